"""Cases: from folders of a data set to the arrays that a network sees."""
