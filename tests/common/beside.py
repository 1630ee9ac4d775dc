"""What is said of an alignment that stands beside the concatenation, for any U-Net."""

import torch


def assert_beside_is_plain(beside, plain, image):
    """With the same weights, and its own at their start, it answers as the plain network."""
    state = {n.replace("alignment.align", "align"): v for n, v in beside.state_dict().items()}
    for name, value in plain.state_dict().items():
        value.copy_(state[name][: len(value)] if value.ndim else state[name])

    torch.testing.assert_close(beside(image), plain(image), atol=1e-4, rtol=1e-4)
