"""Folders of migrations, read as each migration tool reads them."""
