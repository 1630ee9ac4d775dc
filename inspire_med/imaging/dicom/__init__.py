"""DICOM: series of slices, from files to volumes; needs the extra `dicom`."""
