"""Commands for authors, not for learners: build notebooks, execute one, write the generated parts of pages."""
