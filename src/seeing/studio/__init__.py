"""Label photographs of one's own, train, correct: the studio, a page on localhost."""
