"""The initial content of a catalogue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    description: str
    items: tuple[tuple[str, str], ...]  # name, description


SAMPLES = (
    Sample(
        "Workshop",
        "Hand tools that outlive their owners.",
        (
            ("Block plane", "Low angle, adjustable mouth; trims end grain in a single pass."),
            ("Marking gauge", "A wheel cutter and a brass face: a clean line across the grain."),
            ("Dovetail saw", "Fifteen points an inch, a folded back and a handle of beech."),
        ),
    ),
    Sample(
        "Kitchen",
        "Plain things for daily cooking.",
        (
            ("Carbon steel pan", "Twenty-six centimetres, seasoned once, good for decades."),
            ("Santoku knife", "A thin blade for vegetables; sharpen it on a 3000 stone."),
            ("Stoneware crock", "Three litres for bread, pickles or a very patient sourdough."),
        ),
    ),
    Sample(
        "Garden",
        "For beds, pots and borders.",
        (
            ("Hori-hori", "Half knife, half trowel: divides roots and plants bulbs."),
            ("Copper watering can", "A long spout and a fine rose; greens nicely with the years."),
            ("Seed tin", "Twelve sections, a moisture card and room for good intentions."),
        ),
    ),
    Sample(
        "Stationery",
        "Paper, ink and patience.",
        (
            ("Field notebook", "Forty-eight dotted pages, sewn, flat on any table."),
            ("Fountain pen", "A steel fine nib and a piston that can be taken apart."),
            ("Iron gall ink", "Writes pale blue and dries to a lasting black."),
        ),
    ),
)
