"""What speaks for and against a segmentation: its deployable form, its figures, its stability, its reference, its rule."""
