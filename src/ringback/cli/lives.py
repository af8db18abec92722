"""What is reported on the way to a status, for a sample event of it. Values only."""

LIVES: dict[str, tuple[str, ...]] = {
    "submitted": ("submitted",),
    "sent": ("sent",),
    "delivered": ("sent", "delivered"),
    "read": ("sent", "delivered", "read"),
    "failed": ("sent", "failed"),
    "expired": ("sent", "expired"),
    "cancelled": ("cancelled",),
    "unconfirmed": ("sent", "unconfirmed"),
    "received": ("received",),
}
