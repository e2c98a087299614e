"""Database servers whose databases Shipway copies and proves rollbacks on."""
