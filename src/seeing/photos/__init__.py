"""Other people's photographs: read, listed, split, freed of near-duplicates, fed to a model."""
