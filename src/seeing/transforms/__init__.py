"""Changes to pictures: augmentation and corruption."""
