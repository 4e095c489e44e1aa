/** Taking or choosing one picture, and making it small enough for a weak signal. */

export interface Picture {
  /** What an image tag can show: a blob address, or WeChat's temporary file. */
  readonly path: string
  readonly file?: File
  readonly size: number
  /** This will let go of the picture's memory. */
  release(): void
}

// Enough for the machine-readable lines of a passport page; a phone's 12 megapixels are not needed.
const LONG_SIDE = 2200
const SMALL_ENOUGH = 900_000
const QUALITY = 0.88

/** This will ask for one picture; null when the guest turns back. */
export async function choosePicture(from: 'camera' | 'album'): Promise<Picture | null> {
  const chosen = await new Promise<UniApp.ChooseImageSuccessCallbackResult | null>((resolve) => {
    uni.chooseImage({ count: 1, sizeType: ['compressed'], sourceType: [from], success: resolve, fail: () => resolve(null) })
  })
  const path = chosen?.tempFilePaths?.[0]
  if (!chosen || !path) return null
  const first = Array.isArray(chosen.tempFiles) ? chosen.tempFiles[0] : chosen.tempFiles
  // #ifdef H5
  return first instanceof File ? shrunk(first) : null
  // #endif
  // #ifndef H5
  return { path: String(path), size: (first as { size?: number } | undefined)?.size ?? 0, release: () => undefined }
  // #endif
}

// #ifdef H5
async function shrunk(file: File): Promise<Picture> {
  const smaller = file.size > SMALL_ENOUGH ? await redrawn(file).catch(() => file) : file
  const address = URL.createObjectURL(smaller)
  return { path: address, file: smaller, size: smaller.size, release: () => URL.revokeObjectURL(address) }
}

async function redrawn(file: File): Promise<File> {
  const bitmap = await createImageBitmap(file)
  const scale = Math.min(1, LONG_SIDE / Math.max(bitmap.width, bitmap.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(bitmap.width * scale)
  canvas.height = Math.round(bitmap.height * scale)
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY))
  return blob && blob.size < file.size ? new File([blob], 'document.jpg', { type: 'image/jpeg' }) : file
}
// #endif
