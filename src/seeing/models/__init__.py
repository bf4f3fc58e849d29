"""Networks that several chapters use: pretrained ones, and the one that chapter 4 trains."""
