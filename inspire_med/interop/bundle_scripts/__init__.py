"""What MONAI's own transforms do not do, as plain code that a bundle carries along."""
