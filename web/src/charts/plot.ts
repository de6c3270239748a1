/** A candle chart on its canvas; what is drawn is handed over whole, and what moves is moved alone. */

import {
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineSeries,
  LineStyle,
  type UTCTimestamp,
  createChart,
} from "lightweight-charts";
import type { Schema } from "../api/client";
import { number, price } from "../format/numbers";
import { type Zone, milliseconds, time } from "../format/times";
import { type Level, type Marked, type Palette, SignalMarks, spans } from "./marks";
import { zoned } from "./scale";

export type Candle = Schema<"Candle">;
export type Tone = "accent" | "good" | "bad" | "warn" | "muted" | "text";
/** Values beside the candles, one for each; null where there is none. `marks`: lines across a lower pane. */
export type Line = { label: string; tone: string; values: (number | null)[]; marks?: number[]; isDashed?: boolean };
type Placed = { of: Line; pane: number };
type Shown = { candles: Candle[]; lines: Line[]; lower: Line[]; precision: number | undefined; zone: Zone };

const LEVEL_TONES = { entry: "accent", stop: "bad", target: "good", exit: "text" } as const;
const LOWER_SHARE = 0.3;
const STEP = 10; // candles that an arrow key moves by

export class CandlePlot {
  #chart: IChartApi;
  #candles: ISeriesApi<"Candlestick">;
  #marks = new SignalMarks();
  #lines: ISeriesApi<"Line">[] = [];
  #levels: IPriceLine[] = [];
  #now: IPriceLine | null = null;
  #palette: Palette;
  #starts: number[] = [];
  #what = "";
  #drawn = "";

  /** `point` is told which candle the pointer is on, null when it leaves. */
  constructor(host: HTMLElement, point: (place: number | null) => void) {
    this.#palette = paletteOf(host);
    this.#chart = createChart(host, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: getComputedStyle(host).fontFamily, fontSize: 12 },
      crosshair: { mode: CrosshairMode.Normal },
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 8, lockVisibleTimeRangeOnResize: true },
      localization: {
        locale: "en-GB",
        timeFormatter: (at: number) => time(at, "utc"), // the axis' times are the zone's already
      },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { priceLineVisible: false, lastValueVisible: false });
    this.#marks.palette = this.#palette;
    this.#candles.attachPrimitive(this.#marks);
    this.#chart.subscribeCrosshairMove(({ logical, point: at }) => {
      const place = at === undefined || logical === undefined ? -1 : Math.round(logical);
      point(place >= 0 && place < this.#starts.length ? place : null);
    });
    this.recolour(host);
  }

  end(): void {
    this.#chart.remove();
  }

  /** Other `what` (instrument, granularity) than before begins at the newest candle again. */
  show(what: string, { candles, lines, lower, precision, zone }: Shown): void {
    this.#starts = candles.map((one) => milliseconds(one.time) / 1000);
    const times = zoned(this.#starts, zone) as UTCTimestamp[];
    const formatter = (value: number) => price(value, precision);
    this.#candles.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -(precision ?? 5), formatter } });
    this.#candles.setData(
      candles.map(({ open, high, low, close }, at) => ({ time: times[at]!, open, high, low, close })),
    );
    this.#drawLines([...lines.map((of) => ({ of, pane: 0 })), ...lower.map((of) => ({ of, pane: 1 }))], times);
    if (this.#what !== what) this.newest();
    this.#what = what;
  }

  signals(signals: readonly Marked[]): void {
    this.#marks.spans = spans(signals, this.#starts);
    this.#marks.redraw();
  }

  levels(levels: readonly Level[]): void {
    for (const line of this.#levels) this.#candles.removePriceLine(line);
    this.#levels = levels.map(({ label, price: at, tone }) =>
      this.#candles.createPriceLine({ price: at, title: label, color: this.#palette[LEVEL_TONES[tone]], lineWidth: 1 }),
    );
  }

  /** The price of this moment: a line, for the candle that forms is not known as a whole. */
  now(at: number | null): void {
    this.#marks.price = at;
    if (at === null) {
      if (this.#now) this.#candles.removePriceLine(this.#now);
      this.#now = null;
    } else if (this.#now) {
      this.#now.applyOptions({ price: at });
    } else {
      const style = { lineWidth: 1, lineStyle: LineStyle.Dashed, color: this.#palette.muted } as const;
      this.#now = this.#candles.createPriceLine({ ...style, price: at, title: "now" });
    }
  }

  recolour(host: HTMLElement): void {
    this.#drawn = ""; // lines are drawn anew, in other colours
    const palette = (this.#palette = this.#marks.palette = paletteOf(host));
    const grid = { color: palette.line };
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: palette.raised },
        textColor: palette.muted,
        panes: { separatorColor: palette.line, separatorHoverColor: palette.line },
      },
      grid: { vertLines: grid, horzLines: grid },
      rightPriceScale: { borderColor: palette.line },
      timeScale: { borderColor: palette.line },
    });
    const { good, bad } = palette;
    this.#candles.applyOptions({
      ...{ upColor: good, downColor: bad, wickUpColor: good, wickDownColor: bad, borderVisible: false },
    });
    this.#now?.applyOptions({ color: palette.muted });
  }

  /** Whether the wheel is the chart's: only where somebody has turned to it, for it is the page's otherwise. */
  takeWheel(isTaken: boolean): void {
    this.#chart.applyOptions({ handleScale: { mouseWheel: isTaken } });
  }

  newest(): void {
    this.#chart.timeScale().resetTimeScale();
  }

  /** What a key does to the chart; false where it is none of the chart's. */
  press(key: string): boolean {
    const scale = this.#chart.timeScale();
    const zoom = (by: number) => scale.applyOptions({ barSpacing: scale.options().barSpacing * by });
    const keys: Record<string, () => void> = {
      ArrowLeft: () => scale.scrollToPosition(scale.scrollPosition() - STEP, false),
      ArrowRight: () => scale.scrollToPosition(scale.scrollPosition() + STEP, false),
      "+": () => zoom(1.25),
      "-": () => zoom(0.8),
      Home: () => scale.scrollToPosition(-this.#starts.length, false),
      End: () => this.newest(),
    };
    keys[key]?.();
    return key in keys;
  }

  /** The series of lines that were there before are kept, and with them how high somebody has drawn their pane. */
  #drawLines(lines: Placed[], times: UTCTimestamp[]): void {
    const drawn = JSON.stringify(lines.map(({ of: { label, tone, marks }, pane }) => [label, tone, marks, pane]));
    if (this.#drawn !== drawn) {
      for (const line of this.#lines) this.#chart.removeSeries(line);
      this.#lines = lines.map((line) => this.#newLine(line));
      this.#shareHeight();
    }
    this.#drawn = drawn;
    lines.forEach(({ of }, at) =>
      this.#lines[at]!.setData(
        of.values.map((value, place) => (value === null ? { time: times[place]! } : { time: times[place]!, value })),
      ),
    );
  }

  #newLine({ of, pane }: Placed): ISeriesApi<"Line"> {
    const formatter = (value: number) => number(value, digitsOf(of));
    const line = this.#chart.addSeries(
      LineSeries,
      {
        color: this.#palette[of.tone as keyof Palette] ?? this.#palette.muted,
        lineWidth: 1,
        lineStyle: of.isDashed ? LineStyle.Dashed : LineStyle.Solid,
        priceLineVisible: false,
        lastValueVisible: pane > 0,
        crosshairMarkerVisible: false,
        ...(pane > 0 && { priceFormat: { type: "custom", minMove: 1e-6, formatter } }),
      },
      pane,
    );
    const style = { lineWidth: 1, lineStyle: LineStyle.Dotted, color: this.#palette.muted } as const;
    for (const mark of of.marks ?? []) line.createPriceLine({ ...style, price: mark, axisLabelVisible: false });
    return line;
  }

  #shareHeight(): void {
    const panes = this.#chart.panes();
    if (panes.length < 2) return;
    panes[0]!.setStretchFactor(1 - LOWER_SHARE);
    panes[1]!.setStretchFactor(LOWER_SHARE);
  }
}

/** A line's value at a candle: in prices over the candles, on its own scale below them. */
export function valueAt(line: Line, place: number, precision: number | undefined): string {
  const value = line.values[place];
  return line.marks ? number(value, digitsOf(line)) : price(value, precision);
}

/** Indices from 0 to 100 with one digit, what is in prices with as many as it takes. */
function digitsOf(line: Pick<Line, "values">): number {
  const largest = Math.max(0, ...line.values.map((value) => Math.abs(value ?? 0)));
  return largest >= 10 || largest === 0 ? 1 : Math.min(6, 2 - Math.floor(Math.log10(largest)));
}

function paletteOf(host: HTMLElement): Palette {
  const style = getComputedStyle(host);
  const names = ["text", "muted", "line", "good", "bad", "accent", "warn", "raised"] as const;
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette;
}
