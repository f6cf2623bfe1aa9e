"""ministack, with what is wrong for Forester put right: one file for each patch."""
