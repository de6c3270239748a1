/** What figures, their sections and what they are grouped by are called; definitions and units are the server's. */

import { capital, words } from "../format/numbers";
import { named } from "../live/named";

export const SECTIONS = {
  counts: "Counts",
  rates: "Shares of wins",
  money: "Money",
  r: "In R, what was risked",
  pips: "Pips",
  streaks: "Streaks",
  holding: "Holding",
  excursions: "Excursions",
  daily: "By trading day",
  drawdown: "Drawdown",
} as const;
export type Section = keyof typeof SECTIONS;

/** Where the name in words would not say it. */
const FIGURES: Record<string, string> = {
  "counts.breakevens": "Break-even",
  "counts.unknown": "Unknown outcome",
  "counts.days": "Days with trades",
  "counts.amounts": "Amount known",
  "counts.costs": "Cost known",
  "counts.r_multiples": "R known",
  "counts.pips": "Pips known",
  "counts.excursions": "Excursions known",
  "rates.win_rate_all": "Win rate of all",
  "rates.break_even": "Break-even win rate",
  "money.net": "Net result",
  "money.no_losses": "Never lost",
  "r.sqn": "System quality (SQN)",
  "streaks.longest_win": "Most wins in a row",
  "streaks.longest_loss": "Most losses in a row",
  "streaks.current": "Current streak",
  "holding.mean_seconds": "Mean time held",
  "excursions.mae": "Against the trade (MAE)",
  "excursions.mfe": "For the trade (MFE)",
  "excursions.exit_efficiency_mean": "Mean exit efficiency",
  "daily.balance": "Balance at the start",
  "daily.equity": "Equity at the end",
  "daily.days": "Trading days",
  "daily.ruined": "Account gone",
  "daily.mean_return": "Mean daily return",
  "daily.best": "Best day",
  "daily.worst": "Worst day",
  "daily.cagr": "Growth in a year (CAGR)",
  "daily.sharpe": "Sharpe ratio",
  "daily.sortino": "Sortino ratio",
  "daily.calmar": "Calmar ratio",
  "daily.value_at_risk": "Value at risk, 5 %",
  "drawdown.maximum": "Deepest",
  "drawdown.maximum_share": "Deepest, share",
  "drawdown.start": "Fell from",
  "drawdown.trough": "Lowest on",
  "drawdown.recovery": "Recovered on",
  "drawdown.days": "Lasted",
  "drawdown.longest_days": "Longest",
  "drawdown.trade_by_trade": "Deepest, by trade",
  "drawdown.current": "Now",
  "drawdown.current_share": "Now, share",
};

export function figureName(section: string, name: string): string {
  return FIGURES[`${section}.${name}`] ?? capital(words(name));
}

const GROUPS: Record<string, string> = {
  NEW_YORK: "New York",
  OFF: "Between sessions",
  OVERLAP: "London and New York",
};

/** The label of a group. Sides, setups and tags stay as they are written. */
export function groupName(by: string, key: string | null): string {
  if (key === null) return "None";
  if (by === "session") return GROUPS[key] ?? capital(words(key));
  if (by === "instrument") return named(key);
  return by === "regime" ? capital(words(key)) : key;
}
