"""Data: where files become arrays. Import from the module that holds the name.

`case` the manifest, `layouts` the public sets, `check` verdicts, `splits` folds, `preprocess` and
`restore` the way to the network's grid and back, `store` prepared cases on disk, `patches` and
`augment` the training samples, `phantom` made data.
"""
