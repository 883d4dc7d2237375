"""The routes: one file for each page, and one for what is done there."""
