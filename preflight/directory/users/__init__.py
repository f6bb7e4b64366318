"""What is known of users: who counts, who is blocked, whose anchor is whose."""
