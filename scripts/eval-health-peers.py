#!/usr/bin/env python3
"""Heart rate and RMSSD of other programs on the same camera recordings, beside the chest strap.

    python3 -m venv venv && venv/bin/pip install numpy scipy pandas neurokit2 heartpy
    venv/bin/python scripts/eval-health-peers.py DIR        # DIR holds ppg-welltory

The peers get what they need and no more: the red channel turned upside down, resampled to 100 Hz on the recorded times. A recording on
which a program fails or answers NaN counts as refused.
"""

import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
RATE = 100


def recordings(root):
    for folder in sorted((root / "ppg-welltory").glob("subject_*")):
        frames = np.genfromtxt(folder / "PPG.csv", delimiter=",", skip_header=1)
        rr = np.array([float(v) for v in (folder / "RR.txt").read_text().split()])
        seconds = frames[:, 0] / 1000
        grid = np.arange(seconds[0], seconds[-1], 1 / RATE)
        order = np.concatenate([[True], np.diff(seconds) > 0])
        yield np.interp(grid, seconds[order], -frames[order, 1]), rr


def rmssd(rr):
    return float(np.sqrt(np.mean(np.diff(rr) ** 2)))


def neurokit(method):
    import neurokit2 as nk

    def run(signal):
        clean = nk.ppg_clean(signal, sampling_rate=RATE)
        peaks = nk.ppg_findpeaks(clean, sampling_rate=RATE, method=method)["PPG_Peaks"]
        rr = np.diff(peaks) / RATE * 1000
        return 60000 / rr.mean(), rmssd(rr)

    return run


def heartpy(signal):
    import heartpy as hp

    band = hp.filter_signal(signal, [0.7, 3.5], sample_rate=RATE, order=3, filtertype="bandpass")
    _, m = hp.process(hp.scale_data(band), sample_rate=RATE)
    return m["bpm"], m["rmssd"]


def main():
    root = pathlib.Path(sys.argv[1])
    peers = {"NeuroKit2 elgendi": neurokit("elgendi"), "NeuroKit2 bishop": neurokit("bishop"), "HeartPy": heartpy}
    print(f"{'program':20} {'answered':>9} {'HR MAE':>8} {'HR max':>8} {'RMSSD median error':>20}")
    for name, run in peers.items():
        rates, variabilities, total = [], [], 0
        for signal, rr in recordings(root):
            total += 1
            try:
                bpm, variability = run(signal)
            except Exception:
                continue
            if np.isfinite(bpm):
                rates.append(abs(bpm - 60000 / rr.mean()))
                variabilities.append(abs(variability - rmssd(rr)))
        print(f"{name:20} {len(rates):4}/{total:<4} {np.mean(rates):8.2f} {np.max(rates):8.2f} {np.nanmedian(variabilities):20.1f}")


if __name__ == "__main__":
    main()
