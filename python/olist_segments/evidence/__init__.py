"""What speaks for and against a segmentation: deployable form, figures, stability, reference and rule."""
