// Before and after, one over the other, with a divider between them; as large as fits, or one
// pixel of the picture to one of the screen. The divider is a slider to keyboards and screen
// readers, and can be dragged anywhere by mouse and finger.

const STEP = 2;  // Per cent that an arrow key moves the divider.
const LEAP = 10;  // Page up and down.
const PAN_STEP = 64;  // CSS pixels that an arrow key moves the picture.
const LARGEST_FIT = 8;  // CSS pixels for a pixel: small pictures are not blown up for ever.

const between = (low, value, high) => Math.min(Math.max(value, low), high);

/** Shows two pictures in `root`, an element of the form that index.html gives it. */
export class Comparison {
  #root;
  #picture;  // Both pictures' frame; may be larger than the root.
  #before;
  #after;
  #divider;
  #split = 50;  // Per cent of what is seen of the picture that is left to `before`.
  #zoom = 'fit';
  #center = {x: 0.5, y: 0.5};  // The point of the picture in the middle, at full size.
  #drag = null;

  constructor(root) {
    this.#root = root;
    this.#picture = root.querySelector('.picture');
    this.#before = root.querySelector('.before');
    this.#after = root.querySelector('.after');
    this.#divider = root.querySelector('[role=slider]');
    new ResizeObserver(() => this.#layOut()).observe(root);
    window.addEventListener('resize', () => this.#layOut());  // Of the browser's own zoom, too.
    this.#after.addEventListener('load', () => this.#layOut());
    this.#divider.addEventListener('keydown', (event) => this.#onDividerKey(event));
    this.#picture.addEventListener('keydown', (event) => this.#onPanKey(event));
    root.addEventListener('wheel', (event) => this.#onWheel(event), {passive: false});
    root.addEventListener('pointerdown', (event) => this.#onPointerDown(event));
    root.addEventListener('pointermove', (event) => this.#onPointerMove(event));
    root.addEventListener('pointerup', () => this.#endDrag());
    root.addEventListener('pointercancel', () => this.#endDrag());
  }

  /** Shows the pictures at these addresses. `before` is null where the browser cannot show it. */
  show({before, after}) {
    this.#root.classList.toggle('alone', before === null);
    this.#before.src = before ?? '';
    this.#before.hidden = before === null;
    this.#divider.hidden = before === null;
    this.#after.src = after;
    this.#split = 50;
    this.setZoom('fit');
  }

  /** Forgets the pictures. */
  clear() {
    this.#before.removeAttribute('src');
    this.#after.removeAttribute('src');
  }

  focus() {
    (this.#divider.hidden ? this.#picture : this.#divider).focus();
  }

  get zoom() {
    return this.#zoom;
  }

  /** 'fit', or 'full': a pixel of the picture to a pixel of the screen, with `at` in the middle. */
  setZoom(zoom, at = {x: 0.5, y: 0.5}) {
    this.#zoom = zoom;
    this.#center = at;
    this.#root.dataset.zoom = zoom;
    this.#layOut();
  }

  /** The point of the picture, 0 to 1 each way, that is under a pointer. */
  pointUnder({clientX, clientY}) {
    const box = this.#picture.getBoundingClientRect();
    return {
      x: between(0, (clientX - box.left) / box.width, 1),
      y: between(0, (clientY - box.top) / box.height, 1),
    };
  }

  #scale(room) {
    const {naturalWidth, naturalHeight} = this.#after;
    if (this.#zoom === 'full') return 1 / window.devicePixelRatio;
    return Math.min(room.width / naturalWidth, room.height / naturalHeight, LARGEST_FIT);
  }

  #layOut() {
    const {naturalWidth, naturalHeight} = this.#after;
    const room = this.#root.getBoundingClientRect();
    if (!naturalWidth || room.width === 0) return;
    const scale = this.#scale(room);
    const width = naturalWidth * scale;
    const height = naturalHeight * scale;
    const left = this.#place(room.left, room.width, width, 'x');
    const top = this.#place(room.top, room.height, height, 'y');
    // Transformed, since lengths are rounded to 64ths of a pixel, which would blur at full size.
    Object.assign(this.#picture.style, {
      width: `${naturalWidth}px`,
      height: `${naturalHeight}px`,
      transform: `translate(${left}px, ${top}px) scale(${scale})`,
    });
    const pannable = width > room.width + 1 || height > room.height + 1;
    this.#picture.tabIndex = pannable ? 0 : -1;
    this.#root.classList.toggle('pannable', pannable);
    this.#drawSplit(room, left, width, scale);
  }

  // Where the picture begins on one axis: in the middle, or as far along as it was moved. On a
  // whole pixel of the screen, or pixels would be mixed.
  #place(start, room, size, axis) {
    const wanted = room / 2 - this.#center[axis] * size;
    const offset = size <= room ? (room - size) / 2 : between(room - size, wanted, 0);
    if (size > room) this.#center[axis] = (room / 2 - offset) / size;
    const pixels = window.devicePixelRatio;
    return Math.round((start + offset) * pixels) / pixels - start;
  }

  #seen(room, left, width) {
    const from = Math.max(left, 0);
    return {from, width: Math.min(left + width, room.width) - from};
  }

  #drawSplit(room, left, width, scale) {
    const seen = this.#seen(room, left, width);
    const x = seen.from + (seen.width * this.#split) / 100;
    const cut = Math.max(left + width - x, 0) / scale;
    this.#before.style.clipPath = `inset(0 ${cut}px 0 0)`;
    this.#divider.style.left = `${x}px`;
    const shown = Math.round(this.#split);
    this.#divider.setAttribute('aria-valuenow', String(shown));
    this.#divider.setAttribute('aria-valuetext', `${shown} % before, ${100 - shown} % after`);
  }

  #setSplit(split) {
    this.#split = between(0, split, 100);
    this.#layOut();
  }

  #splitUnder(event) {
    const room = this.#root.getBoundingClientRect();
    const picture = this.#picture.getBoundingClientRect();
    const seen = this.#seen(room, picture.left - room.left, picture.width);
    return (100 * (event.clientX - room.left - seen.from)) / seen.width;
  }

  #onDividerKey(event) {
    const moves = {
      ArrowLeft: -STEP,
      ArrowDown: -STEP,
      ArrowRight: STEP,
      ArrowUp: STEP,
      PageDown: -LEAP,
      PageUp: LEAP,
      Home: -100,
      End: 100,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.#setSplit(this.#split + moves[event.key]);
  }

  #onPanKey(event) {
    const moves = {
      ArrowLeft: [PAN_STEP, 0],
      ArrowRight: [-PAN_STEP, 0],
      ArrowUp: [0, PAN_STEP],
      ArrowDown: [0, -PAN_STEP],
    };
    if (event.key in moves && this.#pan(...moves[event.key])) event.preventDefault();
  }

  // Moves the picture by CSS pixels, as far as there is more of it. Whether it has moved.
  #pan(x, y) {
    const {left, top, width, height} = this.#picture.getBoundingClientRect();
    this.#center = {x: this.#center.x - x / width, y: this.#center.y - y / height};
    this.#layOut();
    const after = this.#picture.getBoundingClientRect();
    return after.left !== left || after.top !== top;
  }

  #onWheel(event) {
    if (event.ctrlKey || !this.#root.classList.contains('pannable')) return;
    const line = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (this.#pan(-event.deltaX * line, -event.deltaY * line)) event.preventDefault();
  }

  #onPointerDown(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const onDivider = this.#divider.contains(event.target);
    const pans = !onDivider && this.#root.classList.contains('pannable');
    if (!pans && this.#divider.hidden) return;
    event.preventDefault();  // No selection, no dragging of images.
    this.#root.setPointerCapture(event.pointerId);
    this.#drag = {pans, x: event.clientX, y: event.clientY};
    if (pans) {
      this.#picture.focus({preventScroll: true});
    } else {
      this.#divider.focus({preventScroll: true});
      if (!onDivider) this.#setSplit(this.#splitUnder(event));
    }
    this.#root.classList.add(pans ? 'panning' : 'sliding');
  }

  #onPointerMove(event) {
    if (this.#drag === null || !event.isPrimary) return;
    if (this.#drag.pans) {
      this.#pan(event.clientX - this.#drag.x, event.clientY - this.#drag.y);
      Object.assign(this.#drag, {x: event.clientX, y: event.clientY});
    } else {
      this.#setSplit(this.#splitUnder(event));
    }
  }

  #endDrag() {
    this.#drag = null;
    this.#root.classList.remove('panning', 'sliding');
  }
}
