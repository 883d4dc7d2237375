"""Being told: texts, hand-overs to gateways, receipts, and the next channel."""
