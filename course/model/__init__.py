"""Which model, and what runs it: profiles, engines, the embedded model, and how much memory it takes."""
