import { Told } from "../told.js";

/** Pixels each way: four times what is shown, for sharp screens. */
const SIZE = 512;

/** The middle of a picture as a square: small enough for any phone's photo, and without what the camera wrote into it. */
export async function squareOf(file: Blob): Promise<Blob> {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Told("This file is no picture that can be read. Choose a JPEG, PNG or GIF.");
  });
  const side = Math.min(image.width, image.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(SIZE, side);
  const left = (image.width - side) / 2;
  const top = (image.height - side) / 2;
  canvas.getContext("2d")!.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
  image.close();
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Told("This picture could not be made smaller."))), "image/png"),
  );
}
