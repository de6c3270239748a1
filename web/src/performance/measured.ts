/** Reading `/api/metrics`: a family's samples by what they are labelled with. What is not there is null. */

import type { Schema } from "../api/client";

type Metrics = Schema<"Metrics">;
type Labels = Record<string, string>;

export class Measured {
  #metrics: Metrics["metrics"];

  constructor(of: Metrics) {
    this.#metrics = of.metrics;
  }

  #values(name: string, labels: Labels): number[] {
    const samples = this.#metrics[`alphaforge_${name}`]?.samples ?? [];
    const fits = samples.filter((one) => Object.entries(labels).every(([label, text]) => one.labels[label] === text));
    return fits.flatMap((one) => one.value ?? []);
  }

  /** All samples of these labels together. */
  sum(name: string, labels: Labels = {}): number | null {
    const values = this.#values(name, labels);
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
  }

  most(name: string, labels: Labels = {}): number | null {
    const values = this.#values(name, labels);
    return values.length === 0 ? null : Math.max(...values);
  }

  least(name: string, labels: Labels = {}): number | null {
    const values = this.#values(name, labels);
    return values.length === 0 ? null : Math.min(...values);
  }

  /** A histogram of one sample. */
  spread(name: string): Schema<"Sample"> | null {
    return this.#metrics[`alphaforge_${name}`]?.samples[0] ?? null;
  }
}
