"""Row rules to columns, quarantine, conservation, audits."""
