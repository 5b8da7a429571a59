"""What authors run and learners do not: build notebooks, execute one, fill in the generated parts of pages."""
