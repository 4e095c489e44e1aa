/** Looking through the phone's own camera: pictures are taken off the stream, never mirrored, and live in memory only. */

const WIDE = 720
const QUALITY = 0.9

export interface Camera {
  readonly stream: MediaStream
  /** This will let go of the camera; its light goes out. */
  stop(): void
}

export function hasCamera(): boolean {
  return typeof navigator !== 'undefined' && typeof navigator.mediaDevices?.getUserMedia === 'function'
}

/** This will ask for the front camera; null when there is none or the person said no. */
export async function openCamera(): Promise<Camera | null> {
  if (!hasCamera()) return null
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 } }, audio: false })
    return { stream, stop: () => stream.getTracks().forEach((track) => track.stop()) }
  } catch {
    return null
  }
}

/** This will take what the camera sees now as a JPEG, or null when it shows nothing yet. */
export function takePicture(video: HTMLVideoElement): Promise<Blob | null> {
  return video.videoWidth ? drawn(video, video.videoWidth, video.videoHeight) : Promise.resolve(null)
}

/** This will let the person choose pictures from files instead, made small; empty when they turn back. */
export async function choosePictures(most: number): Promise<readonly Blob[]> {
  const files = await new Promise<readonly File[]>((resolve) => {
    uni.chooseImage({
      count: most,
      sizeType: ['compressed'],
      success: ({ tempFiles }) => resolve((Array.isArray(tempFiles) ? tempFiles : [tempFiles]).filter((file): file is File => file instanceof File)),
      fail: () => resolve([]),
    })
  })
  return Promise.all(files.map(smaller))
}

async function smaller(file: File): Promise<Blob> {
  try {
    const bitmap = await createImageBitmap(file)
    const made = await drawn(bitmap, bitmap.width, bitmap.height)
    bitmap.close()
    return made ?? file
  } catch {
    // Not a picture this browser can open: the server says so in better words than we could.
    return file
  }
}

function drawn(source: CanvasImageSource, width: number, height: number): Promise<Blob | null> {
  const scale = Math.min(1, WIDE / Math.min(width, height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  canvas.getContext('2d')?.drawImage(source, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY))
}
