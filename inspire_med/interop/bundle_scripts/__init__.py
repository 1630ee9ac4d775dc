"""What MONAI's own transforms do not do, as plain code that a bundle carries along.

Of this package they import only what stands on torch and numpy alone: it is carried along too.
"""
