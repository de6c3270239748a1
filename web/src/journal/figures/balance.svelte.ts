/** The money that the account began with, as far as its owner has said: kept on the device, sent with questions. */

const NAME = "alphaforge.balance";
export const MOST = 1e12; // as the server has it

class Balance {
  #kept = $state<number | null>(read());

  get value(): number | null {
    return this.#kept;
  }
  set value(value: number | null) {
    this.#kept = value;
    if (value === null) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, String(value));
  }
}

function read(): number | null {
  const value = Number(localStorage.getItem(NAME));
  return value > 0 && value <= MOST ? value : null;
}

export const balance = new Balance();
