"""Reading: what strangers' files hold, before any rule is applied to it. No torch."""
