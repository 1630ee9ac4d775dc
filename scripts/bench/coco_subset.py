"""Write a COCO annotation file of a few images with large objects: a set to overfit.

    python scripts/bench/coco_subset.py --annotations instances_train2017.json --images 8 --out FILE

Chosen are the images whose smallest object covers most of the picture, so that a small input still
shows it. Their annotations are kept whole, and so are the categories, and with them the labels.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    given = json.loads(options.annotations.read_text())
    areas = defaultdict(list)
    for entry in given["annotations"]:
        if not entry.get("iscrowd"):
            areas[entry["image_id"]].append(entry["area"])
    holding = [image for image in given["images"] if image["id"] in areas]
    if len(holding) < options.images:
        parser.error(f"{options.annotations}: no more than {len(holding)} images have objects")

    def smallest(image: dict) -> float:
        return min(areas[image["id"]]) / (image["height"] * image["width"])

    chosen = sorted(holding, key=smallest, reverse=True)[: options.images]
    names = {image["id"] for image in chosen}
    objects = [entry for entry in given["annotations"] if entry["image_id"] in names]
    options.out.write_text(json.dumps({**given, "images": chosen, "annotations": objects}))
    print(f"{options.out}: {len(chosen)} images, {len(objects)} annotations")


if __name__ == "__main__":
    main()
