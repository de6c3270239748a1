/** Pictures as the journal keeps them: `data:` texts, small enough that three go with an entry in one request. */

import { bytes } from "../format/numbers";

export const SHOTS = ["entry", "exit", "analysis"] as const;
export type Shot = (typeof SHOTS)[number];
export type Shots = Record<Shot, string | null>;

/** The server takes 10 MiB in a request; the tab's storage, where drafts are kept, about 5 million letters. */
const MOST_LETTERS = 1_500_000;
const MOST_FILE = 50 * 1024 * 1024;
const LONGEST_SIDE = 2560;
const QUALITY = 0.9;
const MOST_ATTEMPTS = 5;
const KEPT_AS_THEY_ARE = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/** Whether a text of the journal is a picture that is safe to show: older journals have paths and addresses, too. */
export function isPicture(text: string): boolean {
  return /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+$/.test(text);
}

/** What is wrong with a file before anybody looks into it; "" where nothing is. */
export function refusalOf(file: { type: string; size: number }): string {
  if (!file.type.startsWith("image/")) return "This is no picture: PNG, JPEG, WebP or GIF.";
  if (file.size > MOST_FILE) return `It has ${bytes(file.size)}: at most ${bytes(MOST_FILE)}.`;
  return "";
}

/** The file as it is kept, and what was done to it; raises an Error that says what is wrong. */
export async function pictureOf(file: File): Promise<{ data: string; note: string }> {
  const refusal = refusalOf(file);
  if (refusal) throw new Error(refusal);
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("This browser cannot read the picture.");
  });
  try {
    const whole = KEPT_AS_THEY_ARE.includes(file.type) ? await asData(file) : "";
    if (whole !== "" && whole.length <= MOST_LETTERS) return { data: whole, note: "" };
    return smaller(bitmap, file.size);
  } finally {
    bitmap.close();
  }
}

function smaller(bitmap: ImageBitmap, size: number): { data: string; note: string } {
  const { width, height } = bitmap;
  let scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const canvas = drawn(bitmap, Math.round(width * scale), Math.round(height * scale));
    const data = encoded(canvas);
    if (data.length <= MOST_LETTERS) {
      const sides = `${width} × ${height} to ${canvas.width} × ${canvas.height}`;
      return { data, note: `Made smaller: ${sides}, ${bytes(size)} to ${bytes(data.length * 0.75)}.` };
    }
    scale *= 0.9 * Math.sqrt(MOST_LETTERS / data.length); // length goes by the area
  }
  throw new Error("It stays too large, however small it is made.");
}

/** As WebP, which leaves lines and letters sharp; some browsers write JPEG alone. */
function encoded(canvas: HTMLCanvasElement): string {
  const data = canvas.toDataURL("image/webp", QUALITY);
  return data.startsWith("data:image/webp") ? data : canvas.toDataURL("image/jpeg", QUALITY);
}

function drawn(bitmap: ImageBitmap, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, width);
  canvas.height = Math.max(1, height);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#fff"; // JPEG knows nothing transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function asData(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}
