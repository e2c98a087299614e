"""Templates and change sets of CloudFormation: what they do, and what is secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipway.drivers.infra.cloudformation_template import changes_of, read
from shipway.drivers.infra.data import holds_data
from tests.unit.drivers.cloudformation_answers import SECRET, change


@pytest.mark.parametrize(
    ("item", "action", "lines"),
    [
        (change("Add"), "create", ()),
        (change("Remove"), "destroy", ()),
        (change("Remove", PolicyAction="Snapshot"), "destroy", ("a snapshot of it is kept",)),
        (change("Remove", PolicyAction="Retain"), "forget", ()),
        (change("Modify", Replacement="False"), "update", ()),
        (change("Modify", Replacement="True"), "replace", ()),
        (change("Modify"), "replace", ()),
        (change("SomethingNew"), "replace", ()),
        (change("Import"), "import", ()),
        (
            change("Modify", Replacement="True", PolicyAction="ReplaceAndRetain"),
            "replace", ("the old one is kept, outside of the stack",),
        ),
        (
            change("Modify", Replacement="Conditional"),
            "replace", ("it may be replaced: AWS knows only when it is done",),
        ),
        (change("Dynamic"), "replace", ("what is done with it is known only when it is done",)),
        (
            change(
                "Modify", Replacement="False",
                BeforeContext=json.dumps({"Properties": {"Size": 1, "Password": SECRET, "Echo": "****"}}),
                AfterContext=json.dumps(
                    {"Properties": {"Size": 2, "Password": "x", "Echo": "new", "Id": "{{changeSet:KNOWN_AFTER_APPLY}}"}}
                ),
            ),
            "update",
            ('Echo: (sensitive) → (sensitive)', "Id: (known after apply)", "Password: (sensitive) → (sensitive)", "Size: 1 → 2"),
        ),
        (
            change(
                "Modify", Replacement="False",
                Details=[
                    {"Target": {"Attribute": "Properties", "Name": "Size"}, "CausingEntity": "SizeParameter"},
                    {"Target": {"Attribute": "Tags"}},
                    {"Target": {"Attribute": "Properties", "Name": "Size"}},
                ],
            ),
            "update", ("Size: changed by SizeParameter", "Tags: changed"),
        ),
    ],
)  # fmt: skip
def test_what_a_change_set_does(item: dict[str, Any], action: str, lines: tuple[str, ...]) -> None:
    (found,) = changes_of([item, {"Type": "Hook"}], [SECRET])
    assert (found.action, found.attributes, found.holds_data) == (action, lines, True)


@pytest.mark.parametrize("secret", ['pa"ss\\word', "a key\nof two lines", "schlüssel", "plain"])
def test_a_secret_is_hidden_however_json_writes_it(secret: str) -> None:
    after = json.dumps({"Properties": {"Address": f"x{secret}", "Deep": [{"Url": secret}]}})
    (found,) = changes_of([change("Modify", Replacement="False", BeforeContext="{}", AfterContext=after)], [secret])
    assert found.attributes == ("Address: (sensitive)", "Deep: (sensitive)")


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("AWS::RDS::DBCluster", True), ("AWS::ElastiCache::ReplicationGroup", True), ("AWS::DynamoDB::GlobalTable", True),
        ("AWS::S3::Bucket", True), ("AWS::EFS::FileSystem", True), ("AWS::KMS::Key", True), ("AWS::EC2::Volume", True),
        ("AWS::OpenSearchService::Domain", True), ("AWS::Cognito::UserPool", True), ("AWS::EC2::Instance", False),
        ("AWS::ECS::Service", False), ("AWS::ElasticLoadBalancingV2::LoadBalancer", False), ("AWS::Route53::RecordSet", False),
    ],
)  # fmt: skip
def test_types_that_hold_data(kind: str, held: bool) -> None:
    assert holds_data("x", kind) == held


def test_a_template_in_yaml_and_in_json() -> None:
    text = """
Parameters: {Password: {Type: String, NoEcho: true}, Size: {Type: String}}
Resources:
  kept: {Type: "AWS::S3::Bucket", DeletionPolicy: RetainExceptOnCreate}
  deep: {Type: "AWS::CloudFormation::Stack"}
  gone: {Type: "AWS::S3::Bucket", DeletionPolicy: Delete, Properties: {Tags: !If [A, !Ref B, !Ref "AWS::NoValue"]}}
Outputs:
  one: {Value: !Ref Password}
  two: {Value: !Sub "postgres://${Password}@${gone.Arn}"}
  three: {Value: !Join ["", [a, !Ref Size]]}
  four: {Value: !Sub ["${A}", {A: !Ref Password}]}
  five: {Value: !Sub "${!Password}"}
"""
    found = read(text)
    assert found.outputs == ("one", "two", "three", "four", "five")
    assert (found.sensitive, found.hidden) == (("one", "two", "four"), ("Password",))
    assert (found.kept, found.nested) == (("kept",), ("deep",))
    data = {"Parameters": {"P": {"NoEcho": True}}, "Resources": {"a": {}}, "Outputs": {"o": {"Value": {"Ref": "P"}}}}
    assert read(json.dumps(data)) == read(data)
    assert read(data).sensitive == ("o",)
