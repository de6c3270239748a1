/** Signals on a candle chart: from the candle on which they were made to that on which they ended. */

import type {
  AutoscaleInfo,
  IChartApi,
  IPrimitivePaneView,
  ISeriesPrimitive,
  Logical,
  SeriesAttachedParameter,
  Time,
} from "lightweight-charts";
import type { Schema } from "../api/client";
import { milliseconds } from "../format/times";
import { placeOf } from "./scale";

/** What of a signal, or of a backtest's trade, is drawn. */
export type Marked = Pick<
  Schema<"ListedSignal">,
  "id" | "direction" | "entry" | "stop_loss" | "tp1" | "status" | "timestamp" | "exit_time" | "exit_price"
>;
export type Level = { label: string; price: number; tone: "entry" | "stop" | "target" | "exit" };
export type Palette = Record<"text" | "muted" | "line" | "good" | "bad" | "accent" | "warn" | "raised", string>;

/** Where a signal lies on the axis, in places of candles. */
type Span = { of: Marked; from: number; to: number; isOpen: boolean };

const AHEAD = 6; // candles by which an open signal reaches into the future

/** The signals that reach into these candles; `starts` in seconds. */
export function spans(signals: readonly Marked[], starts: readonly number[]): Span[] {
  if (starts.length === 0) return [];
  return signals
    .map((of) => {
      const isOpen = of.status === "PENDING" || of.status === "ACTIVE";
      const made = placeOf(milliseconds(of.timestamp) / 1000 - 1, starts); // at a close: of the candle before it
      const ended = isOpen ? starts.length - 1 + AHEAD : placeOf(milliseconds(of.exit_time) / 1000, starts);
      return { of, from: made, to: Math.max(made, ended), isOpen };
    })
    .filter((span) => span.to >= 0 && (span.isOpen || milliseconds(span.of.timestamp) / 1000 >= starts[0]!));
}

type Context = CanvasRenderingContext2D;

export class SignalMarks implements ISeriesPrimitive<Time> {
  spans: Span[] = [];
  palette!: Palette;
  /** A price that the axis must show as well: the newest one. */
  price: number | null = null;
  #at: SeriesAttachedParameter<Time> | null = null;
  readonly #view: IPrimitivePaneView = {
    zOrder: () => "bottom",
    renderer: () => ({
      draw: (target) => target.useMediaCoordinateSpace(({ context }) => this.#draw(context)),
    }),
  };

  attached(at: SeriesAttachedParameter<Time>): void {
    this.#at = at;
  }

  detached(): void {
    this.#at = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [this.#view];
  }

  redraw(): void {
    this.#at?.requestUpdate();
  }

  /** Room for the levels of what is open, and for the newest price. */
  autoscaleInfo(first: Logical, last: Logical): AutoscaleInfo | null {
    const open = this.spans.filter((span) => span.isOpen && span.from <= last && span.to >= first);
    const prices = open.flatMap(({ of }) => [of.stop_loss, of.tp1]);
    if (this.price !== null) prices.push(this.price);
    if (prices.length === 0) return null;
    return { priceRange: { minValue: Math.min(...prices), maxValue: Math.max(...prices) } };
  }

  #draw(context: Context): void {
    if (this.#at === null) return;
    const { chart, series } = this.#at;
    const x = (place: number) => (chart as IChartApi).timeScale().logicalToCoordinate(place as Logical);
    const y = (price: number) => series.priceToCoordinate(price);
    for (const { of, from, to, isOpen } of this.spans) {
      const [left, right] = [x(from), x(to)];
      const [entry, stop, target] = [y(of.entry), y(of.stop_loss), y(of.tp1)];
      if (left === null || right === null || entry === null || stop === null || target === null) continue;
      const { good, bad, accent } = this.palette;
      if (isOpen) {
        area(context, left, right, entry, target, good);
        area(context, left, right, entry, stop, bad);
      }
      line(context, left, right, target, good, isOpen);
      line(context, left, right, stop, bad, isOpen);
      line(context, left, right, entry, accent, isOpen);
      arrow(context, left, entry, of.direction === "BUY" ? -1 : 1, accent);
      const exit = of.exit_price === null || isOpen ? null : y(of.exit_price);
      if (exit !== null) dot(context, right, exit, this.#outcome(of), this.palette.raised);
    }
  }

  #outcome(of: Marked): string {
    if (of.status === "WON") return this.palette.good;
    return of.status === "LOST" ? this.palette.bad : this.palette.muted;
  }
}

function area(context: Context, left: number, right: number, one: number, other: number, colour: string): void {
  context.globalAlpha = 0.1;
  context.fillStyle = colour;
  context.fillRect(left, Math.min(one, other), right - left, Math.abs(one - other));
  context.globalAlpha = 1;
}

function line(context: Context, left: number, right: number, at: number, colour: string, isStrong: boolean): void {
  context.globalAlpha = isStrong ? 1 : 0.45;
  context.fillStyle = colour;
  context.fillRect(left, Math.round(at), Math.max(3, right - left), 1);
  context.globalAlpha = 1;
}

/** At the entry, pointing to where the price should go: -1 is up. */
function arrow(context: Context, x: number, y: number, way: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y + 5 * way);
  context.lineTo(x - 4.5, y - 4 * way);
  context.lineTo(x + 4.5, y - 4 * way);
  context.fill();
}

function dot(context: Context, x: number, y: number, colour: string, edge: string): void {
  context.fillStyle = colour;
  context.strokeStyle = edge;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, 4, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}
