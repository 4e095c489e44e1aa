"""Pictures made of two: other pictures of the same face, the face as seen from aside, and a print of it held in a hand."""

from pathlib import Path

import cv2
import numpy

PICTURES = Path(__file__).parent / "pictures"


def collins():
    return cv2.imread(str(PICTURES / "eileen-collins.jpg"))


def hopper():
    return cv2.imread(str(PICTURES / "grace-hopper.jpg"))


def rolled(image, degrees):
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 3), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)


def compressed(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def askew(image):
    height, width = image.shape[:2]
    corners = numpy.float32([[0, 0], [width, 0], [width, height], [0, height]])
    seen = numpy.float32([[width * 0.07, height * 0.05], [width, 0], [width, height], [width * 0.04, height * 0.92]])
    return cv2.warpPerspective(image, cv2.getPerspectiveTransform(corners, seen), (width, height))


OTHER_PICTURES = {
    "cut": lambda image: image[10 : image.shape[0] - 90, 20 : image.shape[1] - 60].copy(),
    "smaller": lambda image: cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
    "larger": lambda image: cv2.resize(image, None, fx=1.7, fy=1.7, interpolation=cv2.INTER_CUBIC),
    "darker": lambda image: (image * 0.5).astype(numpy.uint8),
    "brighter": lambda image: numpy.clip(image * 1.12 + 6, 0, 255).astype(numpy.uint8),
    "a little blurred": lambda image: cv2.GaussianBlur(image, (0, 0), 1.0),
    "head tilted": lambda image: rolled(image, 9),
    "head tilted far": lambda image: rolled(image, -16),
    "compressed": lambda image: compressed(image, 25),
    "askew": askew,
    "mirrored": lambda image: numpy.ascontiguousarray(image[:, ::-1]),
}


def from_aside(image, landmarks, degrees):
    """See a face as if the head were turned: its relief is guessed (a rounded head with a nose) and looked at from aside.

    Positive turns the nose to the right of the picture. It is not a photograph of a turned head: the hidden side stays
    hidden in the picture, and the far cheek is stretched rather than covered.
    """
    width = float(numpy.linalg.norm(landmarks[45] - landmarks[36]))
    height, wide = image.shape[:2]
    rows, columns = numpy.mgrid[0:height, 0:wide].astype(numpy.float32)
    across, down = (columns - landmarks[30][0]) / width, (rows - landmarks[30][1]) / width
    head = numpy.sqrt(numpy.clip(1 - (across / 1.1) ** 2 - (down / 1.5) ** 2, 0, 1))
    relief = (head + 0.28 * numpy.exp(-((across / 0.16) ** 2) - ((down + 0.05) / 0.3) ** 2)).astype(numpy.float32)
    sine, cosine = numpy.sin(numpy.deg2rad(degrees)), numpy.cos(numpy.deg2rad(degrees))
    came_from = across.copy()
    for _ in range(25):
        at = (came_from * width + landmarks[30][0]).astype(numpy.float32)
        deep = cv2.remap(relief, at, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        came_from = 0.5 * came_from + 0.5 * (across - deep * sine) / cosine
    at = (came_from * width + landmarks[30][0]).astype(numpy.float32)
    return cv2.remap(image, at, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def printed(image, degrees):
    """See a flat print of the picture, turned in the hand about the upright axis, from about three faces away."""
    height, width = image.shape[:2]
    middle, far = (width / 2, height / 3), 600.0
    turn = numpy.deg2rad(degrees)
    to_middle = numpy.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, 1]])
    plane = numpy.array([[numpy.cos(turn), 0, 0], [0, 1, 0], [-numpy.sin(turn), 0, far]])
    lens = numpy.array([[far, 0, middle[0]], [0, far, middle[1]], [0, 0, 1]])
    return cv2.warpPerspective(image, lens @ plane @ to_middle, (width, height), borderValue=(90, 90, 90))


def turning(image, landmarks, *, to, steps=4):
    """A film of a head that turns and comes back, in frames."""
    way = [to * step / steps for step in range(steps + 1)]
    return [from_aside(image, landmarks, degrees) for degrees in [*way, *reversed(way[:-1])]]
