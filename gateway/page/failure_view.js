// Says what went wrong, and offers to try again as soon as that is of use.

/** Shows failures in `root`; `onRetry` is what its button does. Tells `announce` when it can. */
export class FailureView {
  #root;
  #alert;
  #retry;
  #announce;
  #counting = null;

  constructor(root, {onRetry, announce}) {
    this.#root = root;
    this.#announce = announce;
    this.#alert = root.querySelector('[role=alert]');
    this.#retry = root.querySelector('button');
    this.#retry.addEventListener('click', onRetry);
  }

  /** `retryAfter` is in seconds; null where trying again is of no use. */
  show({title, text, retryAfter = null}) {
    this.clear();
    const heading = document.createElement('strong');
    const body = document.createElement('p');
    heading.textContent = title;
    body.textContent = text;
    this.#root.classList.add('shown');
    this.#alert.replaceChildren(heading, body);
    this.#retry.hidden = retryAfter === null;
    if (retryAfter !== null) this.#count(performance.now() + 1000 * retryAfter);
  }

  clear() {
    clearTimeout(this.#counting);
    this.#root.classList.remove('shown');
    this.#alert.replaceChildren();
    this.#retry.hidden = true;
  }

  // The button is outside of the alert, or each second would be read out.
  #count(end) {
    const left = Math.ceil((end - performance.now()) / 1000);
    this.#retry.disabled = left > 0;
    this.#retry.textContent = left > 0 ? `Try again in ${left} s` : 'Try again';
    if (left > 0) {
      this.#counting = setTimeout(() => this.#count(end), 250);
    } else {
      this.#announce('You can try again');
    }
  }
}
