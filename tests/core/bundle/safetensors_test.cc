#include "core/bundle/safetensors.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/bundle/weights_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::bundle {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// A file with this header text and so many bytes of data.
std::string FileOf(const std::string& header, size_t data_bytes) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + std::string(data_bytes, '\0');
}
std::string FileOf(const json& header, size_t data_bytes) {
  return FileOf(header.dump(), data_bytes);
}

json Entry(const std::string& dtype, const json& shape, const json& offsets) {
  return {{"dtype", dtype}, {"shape", shape}, {"data_offsets", offsets}};
}

void ExpectRefused(const std::string& bytes, const std::string& words) {
  const auto tensors = ParseSafetensors(bytes);
  ASSERT_EQ(tensors.status().code(), absl::StatusCode::kInvalidArgument) << words;
  EXPECT_THAT(std::string(tensors.status().message()), HasSubstr(words));
}

TEST(SafetensorsTest, WhatIsWrittenIsReadAgain) {
  const std::vector<float> floats = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> integers = {7, -8};
  SafetensorsWriter writer;
  writer.Add("b", {2, 3}, floats.data());
  writer.Add("a", {2}, integers.data());
  writer.Add("empty", {0, 4}, floats.data());
  const std::string bytes = writer.Format();
  const auto tensors = ParseSafetensors(bytes);
  ASSERT_OK(tensors);
  ASSERT_EQ(tensors->size(), 3u);
  EXPECT_EQ(tensors->at("b").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensors->at("b").Floats(), AlignedVector<float>(floats.begin(), floats.end()));
  EXPECT_EQ(tensors->at("a").Integers(), integers);
  EXPECT_EQ(tensors->at("empty").elements(), 0);
}

TEST(SafetensorsTest, EqualTensorsGiveEqualBytesInWhateverOrderTheyAreAdded) {
  const std::vector<float> floats = {1, 2};
  SafetensorsWriter one, other;
  one.Add("x", {1}, floats.data());
  one.Add("y", {1}, floats.data() + 1);
  other.Add("y", {1}, floats.data() + 1);
  other.Add("x", {1}, floats.data());
  EXPECT_EQ(one.Format(), other.Format());
}

TEST(SafetensorsTest, ReadsMetadataAndPaddingOfOtherWriters) {
  const json header = {{"__metadata__", {{"format", "pt"}}}, {"x", Entry("F32", {1}, {0, 4})}};
  const auto tensors = ParseSafetensors(FileOf(header.dump() + "    ", 4));
  ASSERT_OK(tensors);
  EXPECT_EQ(tensors->size(), 1u);
}

TEST(SafetensorsTest, AFileCutAnywhereIsRefused) {
  const std::vector<float> floats(10, 1.0f);
  SafetensorsWriter writer;
  writer.Add("x", {10}, floats.data());
  const std::string bytes = writer.Format();
  ASSERT_GT(bytes.size(), 40u);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(ParseSafetensors(bytes.substr(0, length)).ok()) << length;
  }
  ExpectRefused(bytes + "more", "found 4 bytes behind the last tensor");
}

TEST(SafetensorsTest, AHeaderThatCannotBeIsRefusedWithoutBeingAllocated) {
  std::string bytes = FileOf(json::object(), 100);
  const uint64_t huge = uint64_t{1} << 60;
  std::memcpy(bytes.data(), &huge, sizeof(huge));
  ExpectRefused(bytes, "header: found a length of 1152921504606846976 bytes");
  ExpectRefused(FileOf(std::string("[1]"), 0), "header: expected a JSON object");
  ExpectRefused(FileOf(std::string("{\"x\": "), 0), "header: expected a JSON object");
  ExpectRefused(FileOf(std::string(100000, '['), 0), "header: expected a JSON object");
  const std::string entry = Entry("F32", {1}, {0, 4}).dump();
  ExpectRefused(FileOf(absl::StrCat("{\"x\":", entry, ",\"x\":", entry, "}"), 4),
                "found 'x' twice");
}

TEST(SafetensorsTest, OffsetsThatDoNotFitAreRefusedByName) {
  const auto one = [](const json& entry) { return json{{"x", entry}}; };
  ExpectRefused(FileOf(one(Entry("F32", {1}, {0, 8})), 4),
                "tensor 'x': data_offsets: found 0 to 8");
  ExpectRefused(FileOf(one(Entry("F32", {1}, {4, 0})), 4),
                "tensor 'x': data_offsets: found 4 to 0");
  ExpectRefused(FileOf(one(Entry("F32", {2}, {0, 4})), 4), "expected 8 by dtype and shape");
  ExpectRefused(FileOf(one(Entry("F32", {1}, {-4, 0})), 4), "integers of 0 or more");
  ExpectRefused(FileOf(one(Entry("F32", {1}, {0, 1.5})), 4), "integers of 0 or more");
  ExpectRefused(FileOf(one(Entry("F32", {1}, {4, 8})), 8), "leave a gap");
  const json overlapping = {{"x", Entry("F32", {2}, {0, 8})}, {"y", Entry("F32", {2}, {4, 12})}};
  ExpectRefused(FileOf(overlapping, 12), "tensor 'y': data_offsets: overlap");
  ExpectRefused(FileOf(one(Entry("F32", {1}, {18446744073709551615u, 4})), 4),
                "integers of 0 or more");
}

TEST(SafetensorsTest, TypesAndShapesThatAreNotOursAreRefusedByName) {
  const auto one = [](const json& entry) { return json{{"x", entry}}; };
  ExpectRefused(FileOf(one(Entry("F16", {2}, {0, 4})), 4), "tensor 'x': dtype: found \"F16\"");
  ExpectRefused(FileOf(one(Entry("F32", {-1}, {0, 4})), 4), "tensor 'x': shape");
  ExpectRefused(FileOf(one(Entry("F32", "many", {0, 4})), 4), "tensor 'x': shape");
  const int64_t large = int64_t{1} << 60;
  ExpectRefused(FileOf(one(Entry("F32", {large, large}, {0, 4})), 4), "more elements");
  ExpectRefused(FileOf(json{{"x", 1}}, 0), "tensor 'x': expected an object");
}

// The checks that know what a bundle holds.
class WeightsFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::TinyBundleOptions options;
    options.molecules = true;
    auto parts = test::TinyBundleParts(options);
    ASSERT_OK(parts);
    weights_ = parts->weights;
    config_ = *model::ModelConfig::FromJson(parts->manifest.model);
    auto bytes = FormatWeights(config_, weights_);
    ASSERT_OK(bytes);
    bytes_ = *bytes;
  }

  // Parses the file after `change` was made to its header.
  absl::Status ParseChanged(const std::function<void(json*)>& change) {
    uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof(length));
    json header = json::parse(bytes_.substr(8, length));
    change(&header);
    std::string text = header.dump();
    std::string bytes(8, '\0');
    length = text.size();
    const uint64_t data = 8 + *reinterpret_cast<const uint64_t*>(bytes_.data());
    std::memcpy(bytes.data(), &length, sizeof(length));
    return ParseWeights(config_, bytes + text + bytes_.substr(data)).status();
  }

  model::ModelConfig config_;
  BundleWeights weights_;
  std::string bytes_;
};

TEST_F(WeightsFileTest, WeightsComeBackToTheBit) {
  const auto parsed = ParseWeights(config_, bytes_);
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->denoiser.values, weights_.denoiser.values);
  EXPECT_EQ(parsed->denoiser.shapes, weights_.denoiser.shapes);
  EXPECT_EQ(parsed->mask.indices, weights_.mask.indices);
  EXPECT_EQ(parsed->mask.edge_indptr, weights_.mask.edge_indptr);
}

TEST_F(WeightsFileTest, AnAbsentAForeignAndAMisshapenArrayAreNamed) {
  const auto rename = [](const char* from, const char* to) {
    return [=](json* header) {
      (*header)[to] = (*header)[from];
      header->erase(from);
    };
  };
  EXPECT_THAT(std::string(ParseChanged(rename("denoiser.block_in", "denoiser.blockin")).message()),
              HasSubstr("denoiser: 'block_in': found nothing"));
  EXPECT_THAT(std::string(ParseChanged(rename("mask.prior_mean", "prior_mean")).message()),
              HasSubstr("tensor 'prior_mean': belongs to no part of a bundle"));
  EXPECT_THAT(std::string(ParseChanged(rename("grn.edge_source", "grn.edges")).message()),
              HasSubstr("tensor 'grn.edges': belongs to no part of a bundle"));
  EXPECT_THAT(std::string(ParseChanged([](json* header) {
                            json& shape = (*header)["mask.gene_embedding"]["shape"];
                            std::swap(shape[0], shape[1]);
                          }).message()),
              HasSubstr("mask: 'gene_embedding': found shape [8, 26], expected shape [26, 8]"));
}

TEST_F(WeightsFileTest, IndicesOutOfRangeAreRefused) {
  const auto refused = [&](const std::function<void(BundleWeights*)>& change) {
    BundleWeights weights = weights_;
    change(&weights);
    return std::string(FormatWeights(config_, weights).status().message());
  };
  EXPECT_THAT(refused([](BundleWeights* w) { w->mask.indices["response_nodes"][0] = 26; }),
              HasSubstr("'response_nodes': found the index 26"));
  EXPECT_THAT(refused([](BundleWeights* w) { w->denoiser.indices["response_drug"][0] = -1; }),
              HasSubstr("'response_drug': found the index -1"));
  const auto change_both = [](BundleWeights* w, const auto& change) {
    change(&w->denoiser);
    change(&w->mask);
  };
  EXPECT_THAT(refused([&](BundleWeights* w) {
                change_both(w, [](auto* network) { network->edge_source[0] = 26; });
              }),
              HasSubstr("'grn.edge_source': found the node 26"));
  EXPECT_THAT(refused([&](BundleWeights* w) {
                change_both(w, [](auto* network) { network->edge_indptr.back() += 1; });
              }),
              HasSubstr("'grn.edge_indptr'"));
  EXPECT_THAT(refused([](BundleWeights* w) { w->mask.edge_source[0] ^= 1; }),
              HasSubstr("follow different edges"));
}

}  // namespace
}  // namespace unlasting::bundle
