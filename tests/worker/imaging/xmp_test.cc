#include "worker/imaging/xmp.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;

constexpr auto kPacket =
    "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description rdf:about=''"
    " exif:GPSLatitude='48,12.1N' dc:format = \"image/jpeg\" tiff:Orientation='6'>"
    "<exif:GPSLongitude>11,34.5E</exif:GPSLongitude><exif:GPSMapDatum/>"
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A > cat</rdf:li></rdf:Alt></dc:title>"
    "<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>";

constexpr auto kWithoutLocation =
    "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description rdf:about=''"
    " dc:format = \"image/jpeg\">"
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A > cat</rdf:li></rdf:Alt></dc:title>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>";

TEST(EditXmpTest, LeavesOutWhereThePictureWasTakenAndHowItsFileLay) {
  EXPECT_EQ(EditXmp(kPacket, /*keep_location=*/false), kWithoutLocation);
}

TEST(EditXmpTest, KnowsTheLocationUnderOtherNames) {
  const std::string in_no_prefix =
      "<a><GPSLatitude xmlns='http://ns.adobe.com/exif/1.0/'>48,12.1N</GPSLatitude></a>";
  const std::string in_a_drones = "<a drone-dji:GpsLatitude='+48.2' b:c='d'/>";

  EXPECT_EQ(EditXmp(in_no_prefix, false), "<a></a>");
  EXPECT_EQ(EditXmp(in_a_drones, false), "<a b:c='d'/>");
  EXPECT_EQ(EditXmp(in_no_prefix, true), in_no_prefix);
  EXPECT_EQ(EditXmp(in_a_drones, true), in_a_drones);
}

TEST(EditXmpTest, KeepsTheLocationWhereItMay) {
  const std::string kept = EditXmp(kPacket, /*keep_location=*/true);

  EXPECT_NE(kept.find("exif:GPSLatitude='48,12.1N'"), kept.npos);
  EXPECT_NE(kept.find("<exif:GPSLongitude>11,34.5E</exif:GPSLongitude>"), kept.npos);
  EXPECT_EQ(kept.find("Orientation"), kept.npos);
}

TEST(EditXmpTest, KeepsWhatHasNothingOfIt) {
  EXPECT_EQ(EditXmp(kWithoutLocation, false), kWithoutLocation);
  EXPECT_EQ(EditXmp("<a xmlns:gps='b'><gp/></a>", false), "<a xmlns:gps='b'><gp/></a>");
  EXPECT_EQ(EditXmp("<a b='exif:GPSLatitude'><!-- <exif:GPSx --></a>", false),
            "<a b='exif:GPSLatitude'><!-- <exif:GPSx --></a>");
}

TEST(EditXmpTest, GivesUpWhatItCannotFollow) {
  EXPECT_EQ(EditXmp("", false), "");
  EXPECT_EQ(EditXmp("no XML", false), "");
  EXPECT_EQ(EditXmp("<\0a\0/\0>\0"s, false), "");
  EXPECT_EQ(EditXmp("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", false), "");
  EXPECT_EQ(EditXmp("<x:a><exif:GPSLatitude>1", false), "");
  for (std::size_t length = 0; length < std::string(kPacket).size(); ++length) {
    EXPECT_EQ(EditXmp(std::string(kPacket).substr(0, length), false).find("48,12"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace upscaler
