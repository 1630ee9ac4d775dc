"""Downloads: published sets that anyone may fetch, and where to ask for others. Data only.

A set is among the open ones only if a checksum of its archive is published: one that is learned
with the first transfer says nothing of that transfer. MD5 tells a damaged file, not a forged one.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenSet:
    """A set that anyone may fetch.

    Args:
        title: What it is.
        task: What `prepare --task` calls it.
        url: Of the archive, a zip or a tar.
        checksum: Algorithm and hex digest, `sha384:...`.
        folder: The folder in the archive that is the source.
        licence: What it may be used for.
        cite: What whoever uses it cites.
        size: Bytes of the archive; None where that is not published.
    """

    title: str
    task: str
    url: str
    checksum: str
    folder: str
    licence: str
    cite: str
    size: int | None = None


@dataclass(frozen=True)
class ClosedSet:
    """A set that is not fetched from here.

    Args:
        title: What it is.
        where: Its page.
        why: Why it is fetched by hand.
        task: What `prepare --task` calls it then.
    """

    title: str
    where: str
    why: str
    task: str


def _decathlon(number: int, organ: str, md5: str, task: str = "nnunet") -> OpenSet:
    """MD5 as MONAI's DecathlonDataset checks it."""
    name = f"Task{number:02d}_{organ}"
    return OpenSet(
        title=f"{name} of the Medical Segmentation Decathlon",
        task=task,
        url=f"https://msd-for-monai.s3-us-west-2.amazonaws.com/{name}.tar",
        checksum=f"md5:{md5}",
        folder=name,
        licence="CC BY-SA 4.0",
        cite="Antonelli 2022, doi:10.1038/s41467-022-30695-9",
    )


OPEN = {
    "kvasir-seg": OpenSet(
        title="Kvasir-SEG, as HyperKvasir's segmented images",
        task="polyp",
        url="https://datasets.simula.no/downloads/hyper-kvasir/hyper-kvasir-segmented-images.zip",
        # As OpenFL's tutorials check it.
        checksum="sha384:66cd659d0e8afd8c834081741ade2b75dada8d4648b816f2533c8748b1658efa"
        "3d49e205415d4116faade2c5810e241e",
        folder="segmented-images",
        licence="CC BY 4.0",
        cite="Jha 2020, doi:10.1007/978-3-030-37734-2_37; Borgli 2020, "
        "doi:10.1038/s41597-020-00622-y",
        size=46_179_365,
    ),
    "isles2022": OpenSet(
        title="ISLES 2022, 250 training cases",
        task="isles",
        url="https://zenodo.org/records/7153326/files/ISLES-2022.zip",
        checksum="md5:302ee280373cdd5c190ab763d72a7a50",  # as Zenodo lists it
        folder="ISLES-2022",
        licence="CC BY-SA 4.0",
        cite="Hernandez Petzsche 2022, doi:10.1038/s41597-022-01875-5",
        size=1_692_717_470,
    ),
    "msd-brain": _decathlon(1, "BrainTumour", "240a19d752f0d9e9101544901065d872", "brats"),
    "msd-heart": _decathlon(2, "Heart", "06ee59366e1e5124267b774dbd654057"),
    "msd-liver": _decathlon(3, "Liver", "a90ec6c4aa7f6a3d087205e23d4e6397"),
    "msd-hippocampus": _decathlon(4, "Hippocampus", "9d24dba78a72977dbd1d2e110310f31b"),
    "msd-prostate": _decathlon(5, "Prostate", "35138f08b1efaef89d7424d2bcc928db"),
    "msd-lung": _decathlon(6, "Lung", "8afd997733c7fc0432f71255ba4e52dc"),
    "msd-pancreas": _decathlon(7, "Pancreas", "4f7080cfca169fa8066d17ce6eb061e4"),
    "msd-vessel": _decathlon(8, "HepaticVessel", "641d79e80ec66453921d997fbf12a29c"),
    "msd-spleen": _decathlon(9, "Spleen", "410d4a301da4e5b2f6f86ec3ddba524e"),
    "msd-colon": _decathlon(10, "Colon", "bad7a188931dc2f6acf72b08eb6202d0"),
}

_ACCOUNT = "it needs an account and the consent to its terms"
_UNCHECKED = "it is open, but no checksum of it is published"
CLOSED = {
    "brats": ClosedSet("BraTS", "https://www.synapse.org/brats", _ACCOUNT, "brats"),
    "isles2015": ClosedSet("ISLES 2015", "https://www.smir.ch/ISLES/Start2015", _ACCOUNT, "isles"),
    "isles2024": ClosedSet("ISLES 2024", "https://isles-24.grand-challenge.org", _ACCOUNT, "isles"),
    "atlas": ClosedSet(
        "ATLAS v2", "https://fcon_1000.projects.nitrc.org/indi/retro/atlas.html", _ACCOUNT, "isles"
    ),
    "cvc-clinicdb": ClosedSet(
        "CVC-ClinicDB", "https://polyp.grand-challenge.org/CVCClinicDB", _ACCOUNT, "polyp"
    ),
    "etis": ClosedSet(
        "ETIS-LaribPolypDB", "https://polyp.grand-challenge.org/EtisLarib", _ACCOUNT, "polyp"
    ),
    "cvc-colondb": ClosedSet(
        "CVC-ColonDB", "https://pages.cvc.uab.es/CVC-Colon", _ACCOUNT, "polyp"
    ),
    "cvc-300": ClosedSet("CVC-300", "https://pages.cvc.uab.es/CVC-Colon", _ACCOUNT, "polyp"),
    "polypgen": ClosedSet(
        "PolypGen", "https://www.synapse.org/#!Synapse:syn26376615", _ACCOUNT, "polyp"
    ),
    "sun-seg": ClosedSet("SUN-SEG", "https://github.com/GewelsJI/VPS", _ACCOUNT, "polyp"),
    "pranet": ClosedSet(
        "PraNet's training and test sets",
        "https://github.com/DengPingFan/PraNet",
        _UNCHECKED,
        "polyp",
    ),
}
