// The ways a picture comes in: chosen, dropped anywhere on the page, or pasted.

function fileIn(transfer) {
  return transfer?.files?.[0] ?? null;
}

// A pasted picture has no name of its own, and all browsers call it alike.
function named(file) {
  if (file.name !== '' && file.name !== 'image.png') return file;
  const ending = file.type.split('/')[1] ?? 'png';
  return new File([file], `pasted.${ending}`, {type: file.type});
}

/**
 * Calls `onPicture` with each File that a user brings while `isOpen` says that one is wanted, and
 * `onRefused` with a sentence where something else was dropped.
 */
export class PictureSource {
  #input;

  constructor({input, isOpen, onPicture, onRefused}) {
    this.#input = input;
    input.addEventListener('change', () => {
      const file = input.files[0];
      input.value = '';  // Choosing the same file again is a change, too.
      if (file && isOpen()) onPicture(file);
    });
    document.addEventListener('paste', (event) => {
      const file = fileIn(event.clipboardData);
      if (file === null || !isOpen()) return;  // Text, which goes where the cursor is.
      event.preventDefault();
      onPicture(named(file));
    });
    this.#listenForDrops({isOpen, onPicture, onRefused});
  }

  /** Opens the system's dialog. */
  choose() {
    this.#input.click();
  }

  #listenForDrops({isOpen, onPicture, onRefused}) {
    let depth = 0;  // Each element on the way is entered and left.
    const show = (change) => {
      depth = change === 0 ? 0 : Math.max(depth + change, 0);
      document.documentElement.toggleAttribute('data-dragging', depth > 0);
    };
    const carriesFile = ({dataTransfer}) => dataTransfer?.types.includes('Files') && isOpen();
    document.addEventListener('dragenter', (event) => carriesFile(event) && show(1));
    document.addEventListener('dragleave', (event) => carriesFile(event) && show(-1));
    document.addEventListener('dragover', (event) => {
      event.preventDefault();  // Otherwise the browser would open what is dropped.
      if (event.dataTransfer) event.dataTransfer.dropEffect = carriesFile(event) ? 'copy' : 'none';
    });
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      show(0);
      if (!isOpen()) return;
      const file = fileIn(event.dataTransfer);
      if (file === null) {
        onRefused('That was not a file. Save the picture first, then drop it here.');
      } else {
        onPicture(file);
      }
    });
  }
}
