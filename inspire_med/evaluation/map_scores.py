"""Map scores: measures of a case's probabilities, beside those of its masks."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from inspire_med.evaluation.grids import check_grids
from inspire_med.evaluation.protocols.kinds import MapScores
from inspire_med.evaluation.result import RegionResult
from inspire_med.imaging.labels import LabelMap
from inspire_med.imaging.masks import Regions, among
from inspire_med.imaging.probabilities import read_probabilities
from inspire_med.imaging.resample import in_order_of


def add_map_scores(
    results: Mapping[str, RegionResult],
    reference: LabelMap,
    probabilities: Path,
    regions: Regions,
    score: MapScores,
    *,
    ignore_affine: bool = False,
) -> dict[str, RegionResult]:
    """Results with the measures of the regions whose probabilities a file holds.

    Args:
        results: Of one case, by region.
        reference: Of the same case; only voxels that were judged are scored.
        probabilities: A file with `regions` along its last axis.
        regions: Label values of the regions, in the file's order.
        score: From a region's mask and its probabilities to measures by name.
        ignore_affine: Compare voxel by voxel even where affines differ.

    Raises:
        InputError: If the file does not hold probabilities of these regions on this grid.
    """
    read = read_probabilities(probabilities, list(regions))
    found = dict(results)
    for region in results.keys() & regions.keys():
        likely = read.maps[region]
        on_grid = LabelMap(likely, reference.spacing_mm, read.affine, read.name)
        on_grid = in_order_of(reference.grid, on_grid)
        check_grids(reference, on_grid, ignore_affine=ignore_affine)
        inside, chances = among(reference.labels, regions[region]), on_grid.labels
        if reference.judged is not None:
            inside, chances = inside[reference.judged], chances[reference.judged]
        extra = score(inside, chances)
        found[region] = replace(found[region], measures={**found[region].measures, **extra})
    return found
