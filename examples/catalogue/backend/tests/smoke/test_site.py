"""What a visitor needs, asked of a running deployment. Changes nothing there."""

import re

import httpx2


def test_the_page_and_its_hashed_assets(site: httpx2.Client) -> None:
    page = site.get("/")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-cache"
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
    assert any(asset.endswith(".js") for asset in assets)
    for asset in assets:
        answer = site.get(asset)
        assert answer.status_code == 200, asset
        assert "immutable" in answer.headers["Cache-Control"]


def test_the_admin_area_is_the_same_page(site: httpx2.Client) -> None:
    assert site.get("/admin").text == site.get("/").text


def test_the_backend_is_ready(site: httpx2.Client) -> None:
    answer = site.get("/api/healthz")
    assert answer.status_code == 200, answer.text


def test_the_schema_is_migrated(site: httpx2.Client) -> None:
    assert site.get("/api/version").json()["schema_revision"]


def test_categories_and_items_are_listed(site: httpx2.Client) -> None:
    categories = site.get("/api/categories")
    assert categories.status_code == 200
    assert categories.json(), "no category: was the catalogue seeded?"
    slug = categories.json()[0]["slug"]
    items = site.get("/api/items", params={"category": slug})
    assert items.status_code == 200
    assert {item["category"] for item in items.json()} <= {slug}


def test_a_wrong_password_is_refused(site: httpx2.Client) -> None:
    login = {"name": "admin", "password": "certainly not this one"}
    assert site.post("/api/admin/login", json=login).status_code == 401
