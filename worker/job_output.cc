#include "worker/job_output.h"

#include <memory>
#include <string>
#include <utility>

#include "common/crc32.h"
#include "common/status_macros.h"
#include "worker/imaging/encode.h"
#include "worker/request_plan.h"

namespace upscaler {
namespace {

// Rows of somebody else's, counted as they go by.
class CountedRows final : public PictureRows {
 public:
  CountedRows(PictureRows& rows, BandProgress progress) : rows_(rows), progress_(progress) {}

  int width() const override { return rows_.width(); }
  int height() const override { return rows_.height(); }
  int bits() const override { return rows_.bits(); }

  absl::StatusOr<Image> Next() override {
    absl::StatusOr<Image> band = rows_.Next();
    if (band.ok()) {
      came_ += band->height;
      progress_(static_cast<double>(came_) / rows_.height());
    }
    return band;
  }

 private:
  PictureRows& rows_;
  const BandProgress progress_;
  int came_ = 0;
};

absl::StatusOr<std::string> Encode(const RowOutput& output, const OutputForm& form,
                                   BandProgress progress) {
  const PictureSize size = form.size;
  if (const auto* image = std::get_if<Image>(&output)) {
    return EncodePicture(*image, size.width, size.height, form.traits, form.options);
  }
  CountedRows rows(*std::get<std::unique_ptr<PictureRows>>(output), progress);
  return EncodePicture(rows, size.width, size.height, form.traits, form.options);
}

}  // namespace

absl::StatusOr<UpscaledPicture> WriteJobOutput(RowOutput output, const OutputForm& form,
                                               BandProgress progress) {
  UpscaledPicture picture{.encoded = {}, .size = form.size, .seed = form.seed};
  if (const auto* latents = std::get_if<Latents>(&output)) {
    const PictureSize size = LatentsSizeOf(form.size, form.latents);
    picture.encoded = SerializeLatents(Crop(*latents, size.width, size.height));
    picture.latents = {.height = size.height, .width = size.width};
  } else {
    UPSCALER_ASSIGN_OR_RETURN(picture.encoded, Encode(output, form, progress));
  }
  picture.crc32 = Crc32(picture.encoded);
  return picture;
}

}  // namespace upscaler
