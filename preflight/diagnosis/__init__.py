"""From what is known of an outage to its cause: what to suspect in which order, and what looking at it says."""
