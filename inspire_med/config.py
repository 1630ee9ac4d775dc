"""Config: one experiment as frozen dataclasses; the field docs are the help text.

Only commands and `training` read these. A network, a store or a predictor takes plain arguments.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

PrecisionOption = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
Tracker = Literal["wandb", "mlflow"]
Switch = Literal["auto", "on", "off"]
Loss = Literal["dice+bce", "structure"]
Augment = Literal["none", "usual", "strong"]
Balance = Literal["case", "region"]
IntensityOption = Literal["mri", "ct", "rgb", "none"]
MOVABLE = "movable.json"  # in a store that `only_prepare` made

_Config = TypeVar("_Config")


@dataclass(frozen=True)
class NetworkConfig:
    """The segmentation network.

    Args:
        skip: What the skip connections carry: `concat` is the plain U-Net, `ise` and `ise+isa` are
            parts of INSPIRE, `inspire` is all of it (ISE, ISA, SSBA); other parts join by `+`. A
            part may stand from a level on, 1 being the finest: `ise+isa+ssba@3`.
        steps: How often the encoder-decoder runs with SSBA feedback between; counts for `inspire`.
        second_pass_from: Share of the budget that is spent with one pass; the others join then, as
            copies of it.
        widths: Channels of each level, fine to coarse.
        decoder_widths: Channels of the decoder's levels, where they are not the encoder's.
        strides: Strides along each axis, one list for each step from a level to the next, such as
            `[[2,2,1],[2,2,2],[2,2,2]]` where axial slices are thick; null is 2 everywhere.
        kernel_sizes: Sides of the kernels along each axis, one list a level, such as
            `[[3,3,1],[3,3,3],[3,3,3],[3,3,3]]`; null is 3 everywhere.
        stem_stride: Stride from the image to the finest level; 2 quarters what an image costs.
        norm: `batch`, or `instance` for batches too small to have statistics.
        encoder: Another encoder in place of the U-Net's own: `efficientnet-lite0` (images alone),
            or one of MONAI's, for example `resnet18`.
        weights: The encoder's first weights: `imagenet`, or a local safetensors or .pth file.
        freeze_norm: The encoder's batch norms keep the running statistics that it begins with.
        deep_supervision: Levels whose outputs share in the loss, from the finest; 1 is no extra.
        supervise_passes: Outputs of passes before the last share in the loss too, weighing less.
        recompute: Save memory: make activations again in the backward pass; the result is the same.
        monai: A network of MONAI's in place of this one, by its class in `monai.networks.nets`, for
            example `SegResNet`; it reads `widths` where it has no default of its own.
        monai_arguments: That class's own arguments, by name.
    """

    skip: str = "inspire"
    steps: int = 2
    second_pass_from: float = 0.0
    widths: tuple[int, ...] = (32, 64, 128, 256)
    decoder_widths: tuple[int, ...] | None = None
    strides: tuple[tuple[int, ...], ...] | None = None
    kernel_sizes: tuple[tuple[int, ...], ...] | None = None
    stem_stride: int = 1
    norm: Literal["batch", "instance"] = "batch"
    encoder: str | None = None
    weights: str | None = None
    freeze_norm: bool = False
    deep_supervision: int = 3
    supervise_passes: bool = False
    recompute: bool = False
    monai: str | None = None
    monai_arguments: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer and its schedule, both functions of the share of the budget that is spent.

    Args:
        name: `adamw`, or `sgd` with Nesterov momentum 0.99.
        lr: Peak learning rate.
        encoder_lr: Factor on the rate of the encoder, for example 0.3; 1 is none.
        scale_lr_from_batch: Batch size that `lr` is meant for; the rate then grows in proportion
            with `data.batch_size` (linear rule). Null leaves it as given.
        weight_decay: Decoupled for `adamw`, L2 for `sgd`.
        schedule: `cosine` to zero, or `poly` with exponent 0.9.
        warmup: Share of the budget over which the rate rises linearly from zero.
        clip_norm: Gradients are scaled down to this L2 norm.
        ema: Decay of an exponential moving average of the weights, for example 0.999, less in the
            first steps; it is then what is validated and what predicts. Null is none.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    encoder_lr: float = 1.0
    scale_lr_from_batch: int | None = None
    weight_decay: float = 1e-2
    schedule: Literal["cosine", "poly"] = "cosine"
    warmup: float = 0.05
    clip_norm: float = 10.0
    ema: float | None = None


@dataclass(frozen=True)
class DataConfig:
    """How cases become batches.

    Args:
        patch_size: Voxels of a training patch along each axis; null is the whole resized image.
        batch_size: Samples of a step, over all processes together.
        accumulate: A step takes its batch in this many parts, one after the other; each part has
            its own norm statistics and loss, and gradients are averaged.
        workers: Processes that prepare samples, for each training process.
        image_size: Images are resized to this (height, width) in pixels; volumes are not resized.
        spacing_mm: Volumes are resampled to this spacing in mm; null keeps each case's own.
        intensity: How intensities are brought to the network, in place of the task's own way:
            `mri`, `ct`, `rgb` or `none` (docs/own_data.md).
        scales: Each step's whole batch is resized by one of these factors, in a seeded order, for
            example 0.75, 1 and 1.25; pictures to multiples of 32, volumes to multiples of 8, or of
            what `network.strides` divide by; an axis shorter than that to its share.
        augment: `usual` mirrors samples, turns, zooms and recolours some of them a little; `strong`
            more of them and further, pictures by any angle; `none` leaves them (docs/training.md).
        foreground: Share of the samples that lie around a labelled voxel.
        balance: What those samples show equally often: `case` draws one of the regions that the
            case has; `region` one of all regions, then a case that has it.
        drop_channels: Chance of each channel of a sample to be zeroed, never all of them: for a
            network that predicts with a sequence missing.
    """

    patch_size: tuple[int, ...] | None = (96, 96, 96)
    batch_size: int = 2
    accumulate: int = 1
    workers: int = 1
    image_size: tuple[int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    intensity: IntensityOption | None = None
    scales: tuple[float, ...] = (1.0,)
    augment: Augment = "usual"
    foreground: float = 1 / 3
    balance: Balance = "case"
    drop_channels: float = 0.0


@dataclass(frozen=True)
class TrainConfig:
    """Train one experiment.

    Args:
        task: What is segmented, by a name or a YAML file; sets the defaults of the other options.
            By default the manifest's.
        manifest: The data set, as `prepare` wrote it.
        run: Folder of this experiment; made if absent.
        fold: Validate on this fold and train on the others; `each` does so with one fold after the
            other, and scores all cases together (docs/training.md). `all` trains and validates on
            all, `none` trains on all and validates on none, so that the last checkpoint predicts.
        plan: Sizes of data and network by the training fold: `auto` for this machine, `small` for
            two cores, `large` for a big GPU, a plan's YAML file, or `none`: the task's fixed ones.
            By default `auto` for tasks of your own. Options that are asked for win.
        init: A trained run, or a model's folder: this run begins with its weights, and has its
            network where no other is asked for (docs/training.md).
        freeze: `encoder` keeps the encoder's weights and norm statistics as they are.
        allow_leak: `init` lets a run begin with a model that has learned from the cases that it is
            validated on; their scores then flatter.
        resume: `auto` goes on from the run's last checkpoint; `never` wants a fresh folder.
        max_steps: Optimizer steps; with `max_time` the budget that ends first counts.
        max_time: Wall time for training with validation, for example `90s`, `25m` or `6h`.
        validations: Validations during the run, evenly spread over the budget.
        save_every: Minutes between checkpoints; 0 writes one after every step.
        save_every_steps: Steps between checkpoints; 0 goes by minutes alone.
        max_nonfinite: Steps in a row whose loss may be infinite or not a number; such a step is
            skipped, one more ends the run.
        devices: Processes on this machine, a GPU each where there are any; torchrun and srun bring
            their own number.
        sync_batchnorm: Batch norm over all processes: `auto` where there are several.
        compile: `torch.compile`: `auto` on a GPU, if it works there.
        seed: Seed of the weights and of the order and augmentation of samples.
        precision: `auto` measures for a second which of the others is right and fast here.
        threads: CPU threads; 0 leaves the choice to torch.
        track: Also tell `wandb` or `mlflow`; both stay offline, inside the run folder, unless
            WANDB_MODE or MLFLOW_TRACKING_URI say otherwise.
        store: Folder for prepared cases; default: `store` beside the manifest, or the folder of a
            manifest that `only_prepare` wrote.
        store_limit: What that folder may take, for example `20GiB`; cases that other runs prepared
            make way, those not used for longest first. Null is no limit.
        only_prepare: Prepare the cases, write a manifest into the store, and stop. A machine that
            has no more than that folder can train, by the manifest in it.
        loss: `dice+bce`, or `structure`: cross-entropy and IoU that weigh voxels near an edge up to
            six times (F3Net, PraNet).
        network: The network.
        optimizer: The optimizer.
        data: The data.
    """

    manifest: Path
    run: Path
    task: str | None = None
    fold: int | Literal["each", "all", "none"] = 0
    plan: str | None = None
    init: Path | None = None
    freeze: Literal["encoder"] | None = None
    allow_leak: Literal["init"] | None = None
    resume: Literal["auto", "never"] = "auto"
    max_steps: int | None = None
    max_time: str | None = None
    validations: int = 10
    save_every: float = 10.0
    save_every_steps: int = 0
    max_nonfinite: int = 10
    devices: int | None = None
    sync_batchnorm: Switch = "auto"
    compile: Switch = "auto"
    seed: int = 0
    precision: PrecisionOption = "auto"
    threads: int = 0
    track: tuple[Tracker, ...] = ()
    store: Path | None = None
    store_limit: str | None = None
    only_prepare: bool = False
    loss: Loss = "dice+bce"
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    data: DataConfig = field(default_factory=DataConfig)

    @property
    def store_folder(self) -> Path:
        """Folder for prepared cases."""
        folder = self.manifest.parent
        return self.store or (folder if (folder / MOVABLE).is_file() else folder / "store")

    def to_json(self) -> dict[str, Any]:
        """The options in JSON's own types."""
        return json.loads(json.dumps(asdict(self), default=str))


def with_paths_resolved(config: TrainConfig) -> TrainConfig:
    """The same experiment with absolute paths, fit to be stored and run from another folder."""
    weights = config.network.weights
    if weights is not None and weights != "imagenet":
        weights = str(Path(weights).resolve())
    plan = config.plan
    if plan is not None and Path(plan).suffix:
        plan = str(Path(plan).resolve())
    return replace(
        config,
        plan=plan,
        init=None if config.init is None else config.init.resolve(),
        manifest=config.manifest.resolve(),
        run=config.run.resolve(),
        store=config.store_folder.resolve(),
        network=replace(config.network, weights=weights),
    )


def with_options(config: TrainConfig, options: Mapping[str, Any]) -> TrainConfig:
    """The same experiment with other options by their dotted names."""
    return _changed(config, options)


def _changed(config: _Config, options: Mapping[str, Any]) -> _Config:
    """A Config, or a part of one, with other options by their dotted names."""
    for name, value in options.items():
        part, _, rest = name.partition(".")
        new = _changed(getattr(config, part), {rest: value}) if rest else value
        config = replace(config, **{part: new})  # pyright: ignore[reportArgumentType]
    return config


def with_present_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """A run's options, nested, of whatever age.

    `network.weights` was called `encoder_weights` once, and `data.augment` was true or false.
    """
    present, network, data = dict(options), options.get("network"), options.get("data")
    if isinstance(network, Mapping) and "encoder_weights" in network:
        named = {name: value for name, value in network.items() if name != "encoder_weights"}
        present["network"] = {"weights": network["encoder_weights"], **named}
    if isinstance(data, Mapping) and isinstance(data.get("augment"), bool):
        present["data"] = {**data, "augment": "usual" if data["augment"] else "none"}
    return present


def dotted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Nested options by their names on a command line, such as `data.batch_size`."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": each for key, each in dotted(value).items()}
        else:
            flat[name] = value
    return flat
