"""What support asks for, as one zip: the report, what it means, the events, and a form filled in as far as is known."""
