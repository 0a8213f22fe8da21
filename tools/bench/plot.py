#!/usr/bin/python3
"""Draws what tools/bench.py wrote.

    tools/bench/plot.py FIGURES.json FOLDER

Makes FOLDER/rate.svg, latency.svg and cpu.svg. Needs gnuplot.
"""

import json
import subprocess
import sys
from pathlib import Path

OTHERS = ("postgres", "kafka", "mail")
NAMES = {"bank_transfer": "transfer", "card": "card"}
HEAD = """
set terminal svg size 760,420 font "sans-serif,13" background rgb "white"
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set bmargin 4
set key outside right top
"""
SHOPPERS = 'set logscale x\nset xlabel "shoppers"\nset xtics (1, 8, 32, 128)\nset xrange [0.9:150]\n'


def gnuplot(path, commands, data):
    """`data`: {name: rows}, each a data block of its own."""
    blocks = "".join(f"${name} << EOD\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows) + "EOD\n"
                     for name, rows in data.items())
    subprocess.run(["gnuplot"], input=f'{HEAD}set output "{path}"\n{blocks}{commands}\n', text=True, check=True)


def closed(figures, method):
    """The runs with so many shoppers, but for those that ask something else."""
    return [run for run in figures["orders"] if run["method"] == method and run["rate"] == 0
            and not run.keys() & {"lines", "copies", "history"}]


def lines(styles):
    return "plot " + ", ".join(f'${name} using 1:2 with linespoints lw 2 pt 7 title "{title}"' for name, title in styles)


def rate(figures, path):
    data, styles = {}, []
    for method, title in NAMES.items():
        data[method] = [(run["shoppers"], run["per_s"]) for run in closed(figures, method)]
        styles.append((method, title))
    for peer, found in figures.get("peers", {}).items():
        data[peer] = [(run["shoppers"], run["per_s"]) for run in found["orders"]]
        styles.append((peer, peer.capitalize()))
    if "floor_per_s" in figures:
        data["floor"] = figures["floor_per_s"].items()
        styles.append(("floor", "only the rows"))
    gnuplot(path, SHOPPERS + 'set logscale y\nset ylabel "orders a second"\nset yrange [0.5:10000]\n' + lines(styles), data)


def latency(figures, path):
    data, styles = {}, []
    for method, title in NAMES.items():
        for share in ("p50", "p99"):
            data[f"{method}_{share}"] = [(run["shoppers"], run["steps"]["place to order"][f"{share}_ms"])
                                         for run in closed(figures, method)]
            styles.append((f"{method}_{share}", f"{title}, {share}"))
    gnuplot(path, SHOPPERS + 'set ylabel "ms from placing to the order"\nset yrange [0:*]\n' + lines(styles), data)


def cpu(figures, path):
    rows = []
    for method, title in NAMES.items():
        for run in closed(figures, method):
            ms = run["cpu_ms_per_order"]
            ours = sum(value for name, value in ms.items() if name not in OTHERS)
            rows.append((f'"{title}\\n{run["shoppers"]}"', round(ours, 2), *(ms[name] for name in OTHERS)))
    titles = ("ours", *OTHERS)
    gnuplot(path, 'set style data histograms\nset style histogram rowstacked\nset style fill solid 0.8\nset boxwidth 0.7\n'
            'set ylabel "ms of CPU an order"\nset yrange [0:*]\nplot '
            + ", ".join(f'$cpu using {column + 2}:xtic(1) title "{title}"' for column, title in enumerate(titles)), {"cpu": rows})


def main():
    figures = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(sys.argv[2])
    for draw in (rate, latency, cpu):
        draw(figures, folder / f"{draw.__name__}.svg")


if __name__ == "__main__":
    main()
