// How far an upscale has come: a bar, what is being done, the time left. Screen readers hear of
// it a few times, not at every step.

import {duration, phase, queuePlace} from './words.js';

const TOLD_EVERY = 0.25;  // Of the whole.

/** Shows a run in `root`; tells `announce` what is worth hearing. */
export class RunView {
  #root;
  #announce;
  #bar;
  #told = 0;
  #end = null;  // When it should be done, by performance.now().
  #ticking = null;

  constructor(root, announce) {
    this.#root = root;
    this.#announce = announce;
    this.#bar = root.querySelector('progress');
  }

  begin() {
    this.#told = 0;
    this.#root.hidden = false;
    this.#ticking = setInterval(() => this.#drawTimeLeft(), 1000);
    this.#draw({title: 'Sending the picture', detail: '', fraction: null, eta: null});
    this.#announce('Sending the picture');
  }

  queued({queue_position: position, eta_seconds: eta}) {
    const place = queuePlace(position);
    this.#draw({title: 'Waiting', detail: place, fraction: null, eta});
    this.#announce(place);
  }

  progress({phase: name, step, total_steps: total, fraction, eta_seconds: eta}) {
    const detail = name === 'denoise' ? `Step ${step} of ${total}` : '';
    this.#draw({title: phase(name), detail, fraction, eta});
    const reached = Math.floor(fraction / TOLD_EVERY) * TOLD_EVERY;
    if (reached > this.#told) {
      this.#told = reached;
      this.#announce(`${Math.round(100 * reached)} % done`);
    }
  }

  end() {
    clearInterval(this.#ticking);
    this.#root.hidden = true;
    document.title = 'Upscaler';
  }

  #draw({title, detail, fraction, eta}) {
    this.#text('.run-title', title);
    this.#text('.run-detail', detail);
    if (fraction === null) {
      this.#bar.removeAttribute('value');
      this.#text('.run-percent', '');
      document.title = `${title} – Upscaler`;
    } else {
      const percent = `${Math.round(100 * fraction)} %`;
      this.#bar.value = fraction;
      this.#text('.run-percent', percent);
      document.title = `${percent} – Upscaler`;
    }
    this.#end = typeof eta === 'number' ? performance.now() + 1000 * eta : null;
    this.#drawTimeLeft();
  }

  #drawTimeLeft() {
    const left = this.#end === null ? null : Math.max(this.#end - performance.now(), 0) / 1000;
    this.#text('.run-eta', left === null ? '' : `${duration(left)} left`);
  }

  #text(selector, text) {
    this.#root.querySelector(selector).textContent = text;
  }
}
