import torch

from inspire_med.blocks.ssba import SSBA


def test_starts_as_a_copy_of_the_feature(dims, fine):
    pyramid, feature = torch.randn(2, 6, *fine), torch.randn(2, 4, *fine)

    assert torch.equal(SSBA(6, 4)(pyramid, feature), feature)


def test_the_pyramid_reaches_the_feature_after_one_step_of_training(dims, fine):
    block = SSBA(6, 4)
    pyramid, feature = torch.randn(2, 6, *fine), torch.randn(2, 4, *fine)
    block(pyramid, feature).square().sum().backward()

    with torch.no_grad():
        for parameter in block.parameters():
            parameter -= 1e-2 * parameter.grad

    assert not torch.allclose(block(pyramid, feature), feature)
